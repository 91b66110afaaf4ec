"""From features to scores: TFLite Micro's interpreter as the oracle, and its integers for many streams at once."""
