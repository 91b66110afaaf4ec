"""Recordings: WAV files, sample rates, folders of words, the second with the word."""
