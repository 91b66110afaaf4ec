"""Recordings on disk to augmented features in memory, in plain NumPy.

`splits` and `selection` choose recordings, `read_clips` and `load_clips` make clips of them; of these, `epoch_plan`,
`augment` and `render` make an epoch, and `epoch_renderer` does so ahead of the training. `training_data` joins
folders and synthetic voices (`text_to_speech`), `long_recordings` assembles hours of clips, `fetch` downloads.
"""
