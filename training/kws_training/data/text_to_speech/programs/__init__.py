"""Text-to-speech programs, one a module: `NAME`, `LICENCE`, `INSTALL`, `SHARES`, `version` and `speaker`."""
