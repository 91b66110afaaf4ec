"""A folder of all that a model of some words learns from: the words and unknown ones, by many voices."""

import contextlib
import glob
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from kws_reference.audio.recordings import VOICES_RECORD
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL

from kws_training.data.text_to_speech.speak import check_lengths, check_sayable
from kws_training.data.text_to_speech.unknown_words import unknown_words
from kws_training.data.text_to_speech.voices import voices
from kws_training.data.text_to_speech.write_voices import write_voices


def speak_task(
    labels: Sequence[str],
    folder: str | Path,
    clips_per_label: int,
    unknown: int,
    clips_per_unknown: int,
    seed: int,
) -> int:
    """Fills a folder with all that a model of these labels learns from: the labels and unknown words (`write_voices`).

    What was made by the same call before is kept. The folder appears when all is there: clips are written beside it.

    Args:
      labels: the keywords.
      folder: is created.
      clips_per_label: clips of each keyword.
      unknown: number of unknown words (`unknown_words`); 0: none.
      clips_per_unknown: clips of each.
      seed: of everything.

    Returns:
      The number of clips.

    Raises:
      KwsError: the folder holds something else, a label cannot be said, a program is missing, or a file cannot be
        written.
    """
    folder = Path(folder)
    for label in labels:
        check_sayable(label)
    wanted = {
        **{
            "labels": list(labels),
            "clips": clips_per_label,
            "unknown": unknown,
            "clips_per_unknown": clips_per_unknown,
        },
        **{"seed": seed, "voices": [voice.name for voice in voices()]},
    }
    text = json.dumps(wanted, indent=1) + "\n"
    if _made_by(folder, text):
        return sum(1 for _ in folder.glob("*/*.wav"))
    if any(folder.glob("*/*.wav")):
        raise KwsError(f"{folder} holds other clips. Choose another folder, or give that one by --data or --extra.")
    check_lengths(labels)
    words = unknown_words(labels, unknown, seed) if unknown else []
    try:
        with _beside(folder) as unfinished:
            clips = write_voices(labels, unfinished, clips_per_label, seed)
            clips += write_voices(words, unfinished, clips_per_unknown, seed) if words else 0
            (unfinished / VOICES_RECORD).write_text(text)
            if not _made_by(folder, text):  # by another process in the meantime
                _move(unfinished, folder)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return clips


def _made_by(folder: Path, call: str) -> bool:
    record = folder / VOICES_RECORD
    return record.is_file() and record.read_text() == call


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder for what is not finished, beside the one that it is for; removed behind the block, however it ends."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    for old in folder.parent.glob(f".{glob.escape(folder.name)}.*{PARTIAL}"):  # of processes that were killed
        if not _runs(old.name.split(".")[-2]):
            shutil.rmtree(old, ignore_errors=True)
    unfinished = folder.parent / f".{folder.name}.{os.getpid()}{PARTIAL}"
    unfinished.mkdir()
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        pass  # another user's
    return True


def _move(source: Path, folder: Path) -> None:
    """Moves all that is in a folder, its record last; at once, where the other folder is not there or empty."""
    try:
        os.replace(source, folder)
    except OSError:
        folder.mkdir(exist_ok=True)
        for path in sorted(source.iterdir(), key=lambda path: path.name == VOICES_RECORD):
            os.replace(path, folder / path.name)
