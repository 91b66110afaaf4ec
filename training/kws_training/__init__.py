"""Training, evaluation and export of streaming keyword spotting models (TensorFlow, Keras 3)."""
