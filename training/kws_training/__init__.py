"""Training, evaluation and export of streaming keyword spotting models (TensorFlow, Keras 3)."""

from kws_training import quiet

quiet.set_up()  # here, since every module that brings TensorFlow, in whatever process, is behind this line
