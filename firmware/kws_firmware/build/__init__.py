"""What the scripts in `firmware/platform` do when PlatformIO runs them: standard library and SCons, nothing else."""
