"""What every part of the kit agrees on: bundle, front end, network, detector, protocol, without TensorFlow."""
