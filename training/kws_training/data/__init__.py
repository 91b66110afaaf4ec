"""Speech Commands on disk to augmented features in memory, in plain NumPy."""
