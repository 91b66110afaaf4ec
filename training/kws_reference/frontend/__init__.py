"""From PCM to int8 features: the definition in floating point, and the integers that every device computes."""
