"""From clips to weights: recipe, trainer, run folder."""
