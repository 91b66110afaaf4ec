"""A folder of all that a model of some words learns from: the words and unknown ones, by many voices."""

import contextlib
import glob
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kws_reference.audio.recordings import VOICES_RECORD, named
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL

from kws_training.data.text_to_speech.speak import check_lengths, check_sayable
from kws_training.data.text_to_speech.unknown_words import unknown_words
from kws_training.data.text_to_speech.voices import installed_voices, log_missing, versions, voices
from kws_training.data.text_to_speech.write_voices import write_voices

log = logging.getLogger(__name__)


def speak_task(
    labels: Sequence[str],
    folder: str | Path,
    clips_per_label: int,
    unknown: int,
    clips_per_unknown: int,
    seed: int,
    spellings: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Fills a folder with all that a model of these labels learns from: the labels and unknown words (`write_voices`).

    What was made by the same call before is kept. The folder appears when all is there: clips are written beside it.
    Its record says which programs spoke, and their versions.

    Args:
      labels: the keywords.
      folder: is created.
      clips_per_label: clips of each keyword.
      unknown: number of unknown words (`unknown_words`); 0: none.
      clips_per_unknown: clips of each.
      seed: of everything.
      spellings: other spellings of labels, as they are pronounced elsewhere.

    Returns:
      The number of clips.

    Raises:
      KwsError: the folder holds something else, a label cannot be said, a spelling is of no label, a program is
        missing, or a file cannot be written.
    """
    folder, spellings = Path(folder), {label: list(texts) for label, texts in (spellings or {}).items()}
    if strange := sorted(set(spellings) - set(labels)):
        raise KwsError(f"a pronunciation is given of what is no label. Received: {strange[0]!r}.")
    for text in (*labels, *(text for texts in spellings.values() for text in texts)):
        check_sayable(text)
    call = {
        "labels": list(labels),
        "clips": clips_per_label,
        "unknown": unknown,
        "clips_per_unknown": clips_per_unknown,
        "seed": seed,
        "spellings": spellings,
    }
    if _made_by(folder, call):
        _say_who_is_new(folder)
        return sum(1 for _ in folder.glob("*/*.wav"))
    if any(folder.glob("*/*.wav")):
        raise KwsError(f"{folder} holds other clips. Choose another folder, or give that one by --data or --extra.")
    log_missing()
    check_lengths([*labels, *(text for texts in spellings.values() for text in texts)])
    words = unknown_words(labels, unknown, seed, spellings=spellings) if unknown else []
    record = {**call, "programs": versions(), "voices": [voice.name for voice in voices()]}
    try:
        with _beside(folder) as unfinished:
            clips = write_voices(labels, unfinished, clips_per_label, seed, spellings=spellings)
            clips += write_voices(words, unfinished, clips_per_unknown, seed) if words else 0
            (unfinished / VOICES_RECORD).write_text(json.dumps(record, indent=1) + "\n")
            if not _made_by(folder, call):  # by another process in the meantime
                _move(unfinished, folder)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Free space or choose another folder.") from None
    return clips


def _record(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / VOICES_RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _made_by(folder: Path, call: dict[str, Any]) -> bool:
    """Whether the folder is this call's; records of earlier releases know no spellings."""
    record = {"spellings": {}, **_record(folder)}
    return all(record.get(key) == value for key, value in call.items())


def _say_who_is_new(folder: Path) -> None:
    spoke = set(_record(folder).get("voices", ()))
    if more := [voice.name for voice in installed_voices() if voice.name not in spoke]:
        log.info(
            f"{folder} was spoken before {len(more)} voices were here ({named(more)}). Remove it to have them, too."
        )


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
