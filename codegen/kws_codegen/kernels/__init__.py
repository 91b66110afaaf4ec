"""The firmware's kernels as the generator sees them: one frozen dataclass for each kernel that generated code calls."""
