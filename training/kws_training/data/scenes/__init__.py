"""Scenes: some seconds of sound in which something happens, with what a device should say at several moments of it.

`scene_config` says how they are drawn, `speech_set` holds recordings of running speech, `material` what else scenes are
made of; `compose` lays one out, `moments` tells its targets, `render` makes features of many.
"""
