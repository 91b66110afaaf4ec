"""From clips to weights.

`job` says what is asked for and `recipe` how it is trained; `fit` prepares clips, settings and model, `trainer` goes
through the epochs, `run_folder` keeps what they leave and `trained_run` reads it again.
"""
