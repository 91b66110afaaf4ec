"""What a model hears in running speech: false accepts an hour, keywords that people really said, the worst moments.

`streams` joins recordings, `said` tells where keywords are said in them, `replay` matches detections with that,
`speech_metrics` counts them and gives intervals by speaker, `report` does the job.
"""
