"""Names of files that users have and programs stumble over."""

import os
from pathlib import Path

from tests.support import clip_files

NAMES = [
    b"caf\xe9.wav",
    b"new\nline.wav",
    b'quo"te <&>.wav',
    b"\x1b[31mred.wav",
    "\u202ertl.wav".encode(),
    "日本😀.wav".encode(),
    b"back\\x41slash.wav",
]


def write_clips(folder: Path) -> None:
    """Writes a recording of each name."""
    for name in NAMES:
        clip_files.write_wav(Path(os.fsdecode(os.path.join(os.fsencode(folder), name))), clip_files.chirp())
