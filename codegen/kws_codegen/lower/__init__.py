"""How each operator of TensorFlow Lite becomes kernel calls: one file an operator; `operators` lists them."""
