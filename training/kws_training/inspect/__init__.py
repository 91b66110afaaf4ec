"""Tables and pictures of models."""
