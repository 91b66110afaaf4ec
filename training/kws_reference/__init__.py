"""The kit's mathematics, defined once: bundle, front end, network oracle and detector, without TensorFlow."""
