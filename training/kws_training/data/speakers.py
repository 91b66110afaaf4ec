"""Who speaks in a recording and which word, as far as names tell."""

import re
from collections.abc import Iterable, Sequence

from kws_reference.labels import UNKNOWN, normalised

VOCODER = "vocoder-"
"""Before the name of the speaker of whom another one was made."""


def word_of(name: str) -> str:
    """The first folder of a name."""
    return normalised(name.split("/", 1)[0])


def spoken_word(name: str) -> str:
    """Returns the word spoken in a clip: its folder; below ``_unknown_`` the next one, or what precedes the speaker.

    Args:
      name: path such as ``yes/0a7c2a8d_nohash_0.wav`` or ``_unknown_/bed_0a7c2a8d_nohash_0.wav.wav``.
    """
    folder, *below = name.split("/")
    if normalised(folder).casefold() != UNKNOWN:
        return normalised(folder)
    if len(below) > 1:
        return normalised(below[0])
    prefixed = re.match(r"([a-z]+)_[0-9a-f]+_nohash_", below[0]) if below else None
    return prefixed[1] if prefixed else UNKNOWN


def speaker_of(name: str) -> str:
    """Who speaks: what stands before ``_nohash_``, or the folder below the word's, or else the file's own name."""
    *folders, file = name.split("/")
    if "_nohash_" in file:
        speaker = re.sub(r"_nohash_.*$", "", file, flags=re.DOTALL)
        unknown = folders and normalised(folders[0]).casefold() == UNKNOWN
        return re.sub(r"^[a-z]+_(?=[0-9a-f]+$)", "", speaker) if unknown else speaker
    return _folder_of_person(folders) or file


def person_of(name: str) -> str:
    """The person behind a clip: its speaker (`speaker_of`), or whom a vocoder made another one of."""
    return speaker_of(name).removeprefix(VOCODER).removesuffix(".wav")


def known_speakers(names: Iterable[str]) -> set[str]:
    """The speakers of clips, as far as names tell: ``_nohash_``, or a folder for each person."""
    return {speaker for name in names if (speaker := speaker_of(name)) != name.rsplit("/", 1)[-1]}


def _folder_of_person(folders: Sequence[str]) -> str:
    """The folder below the word's; in ``_unknown_`` the word has one of its own."""
    unknown = folders and normalised(folders[0]).casefold() == UNKNOWN
    return "".join(folders[2:3] if unknown else folders[1:2])
