"""What rooms, microphones, converters and lines do to sound: functions of arrays, with no file and no model in them.

Those for training take a generator and float32 PCM ``[clips, samples]`` in units of int16, and return the same shape;
`kws_training.data.signal.disturbances` are for measuring and take a whole recording.
"""
