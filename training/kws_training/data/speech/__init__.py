"""Recordings of running speech: who speaks, what is said, and when each word is.

`corpus` finds recordings, transcripts and speakers in a folder, `word_times` reads and writes the times of words,
`said_labels` tells which of them say a keyword.
"""
