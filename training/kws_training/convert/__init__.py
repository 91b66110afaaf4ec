"""From weights to a streaming .tflite and its manifest."""
