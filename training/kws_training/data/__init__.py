"""Recordings on disk to augmented features in memory, in plain NumPy.

`splits` and `selection` choose recordings, `read_clips` and `load_clips` make clips of them; of these, `epoch_plan`,
`augment` and `render` make an epoch, and `epoch_renderer` does so ahead of the training. `recordings` assembles long
ones, `text_to_speech` says words that nobody has recorded, `fetch` downloads.
"""
