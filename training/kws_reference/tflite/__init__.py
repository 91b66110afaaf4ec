"""The ``.tflite`` file: its reader, the check before an interpreter trusts it, and the integers that it stands for."""
