"""One model a file: a configuration, the Keras training model and the streaming step built from the same weights."""
