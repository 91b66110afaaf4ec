"""What a model and its training cost."""
