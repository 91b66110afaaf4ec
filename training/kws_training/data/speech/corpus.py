"""A folder of long recordings: who speaks in each, and what is said where somebody wrote it down."""

import dataclasses
import functools
import hashlib
import logging
import re
from pathlib import Path
from typing import NamedTuple

from kws_reference.audio.recordings import NO_AUDIO, Recording, find_recordings, left_out_lines, named
from kws_reference.errors import KwsError
from kws_reference.labels import normalised

from kws_training.data.speech.transcripts import Transcript, is_transcript, read_transcripts

log = logging.getLogger(__name__)

_LIBRISPEECH_NAME = r"(\d+)-\d+-\d+"
_MANY_SPEAKERS = 50  # from here on the hash alone gives about a fifth
_WORD = r"[^\W_]+(?:'[^\W_]+)*"


@dataclasses.dataclass(frozen=True)
class SpeechRecording:
    """One long recording.

    Attributes:
      path: where it lies.
      speaker: who speaks, as far as the transcript or names tell; the file's own name if nothing does.
      text: what is said, None where nobody wrote it down.
      name: path below the speech folder, with ``/``; the key of word times.
    """

    path: Path
    speaker: str
    text: str | None
    name: str

    @functools.cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the text, in lower case, without punctuation; none without a text."""
        return words_of_text(self.text or "")


@dataclasses.dataclass(frozen=True)
class SpeechCorpus:
    """What a folder of speech holds.

    Attributes:
      root: the folder.
      recordings: sorted by name.
    """

    root: Path
    recordings: tuple[SpeechRecording, ...]

    @functools.cached_property
    def speakers(self) -> tuple[str, ...]:
        """Everybody who speaks, sorted."""
        return tuple(sorted({item.speaker for item in self.recordings}))

    def of_speakers(self, speakers: frozenset[str]) -> "SpeechCorpus":
        """The recordings of some of the speakers."""
        return SpeechCorpus(self.root, tuple(item for item in self.recordings if item.speaker in speakers))


class SpeakerSplit(NamedTuple):
    """Who trains and who validates; everybody is in one of the two."""

    training: frozenset[str]
    validation: frozenset[str]


def speech_corpus(folder: str | Path) -> SpeechCorpus:
    """Finds the recordings of a folder, their speakers and transcripts; the log says what was left out and why.

    What a recording is says `kws_reference.audio.recordings`. Three layouts are known, also mixed:

    - LibriSpeech's: a ``*.trans.txt`` beside the recordings has lines of ``<name> <text>``; the speaker is the first
      part of ``<speaker>-<chapter>-<number>.wav``.
    - a ``.tsv`` with lines of ``<file>``, tab, ``<text>``, if wanted tab and ``<speaker>``.
      Paths count from its folder.
    - recordings alone, without texts.

    Where nothing else tells, the speaker is the first folder below the one given, or else the file's own name.

    Args:
      folder: what its own path is called does not matter.

    Raises:
      KwsError: it is no folder, holds no recording, or a transcript cannot be read or fits no recording.
    """
    listing = find_recordings(folder)
    recordings = [item for item in listing.recordings if not item.is_noise]
    left_out = {reason: names for reason, names in listing.left_out.items() if reason != NO_AUDIO}
    if not recordings:
        others = "; ".join(f"{reason} ({named(names)})" for reason, names in listing.left_out.items())
        raise KwsError(
            f"{folder}: holds no recordings of speech. Give a folder of WAV files."
            + (f" It holds: {others}." if others else "")
        )
    for line in left_out_lines(listing.root, left_out):
        log.info(line)
    files = [name for name in listing.left_out.get(NO_AUDIO, ()) if is_transcript(name)]
    said = read_transcripts(listing.root, files, [item.name for item in recordings])
    corpus = SpeechCorpus(listing.root, tuple(_recording(item, said.get(item.name)) for item in recordings))
    silent = [item.name for item in corpus.recordings if item.text is None]
    if silent and len(silent) < len(recordings):
        log.info(f"{folder}: {len(silent):,} of {len(recordings):,} recordings have no transcript ({named(silent)})")
    return corpus


def _recording(item: Recording, said: Transcript | None) -> SpeechRecording:
    stem = Path(item.name).stem
    official = re.fullmatch(_LIBRISPEECH_NAME, stem)
    if said and said.speaker:
        speaker = said.speaker
    elif official:
        speaker = official[1]
    else:
        speaker = item.folder or normalised(stem)
    return SpeechRecording(item.path, speaker, said.text if said else None, item.name)


def words_of_text(text: str) -> tuple[str, ...]:
    """The words of a text, in lower case; hyphens part words, apostrophes inside of a word belong to it."""
    return tuple(re.findall(_WORD, normalised(text).casefold().replace("\u2019", "'")))


class Fold(NamedTuple):
    """A division of the speakers of which there are several: in each of ``count`` other speakers validate.

    Attributes:
      number: 1 to ``folds``.
      folds: how many there are, 2 or more.
    """

    number: int
    folds: int

    @classmethod
    def of(cls, text: str) -> "Fold":
        """Reads ``2/5``.

        Raises:
          KwsError: it has another form.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        fold = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= fold.number <= fold.folds or fold.folds < 2:
            raise KwsError(f"a fold is its number and how many there are, such as 2/5. Received: {text!r}.")
        return fold


def split_speakers(corpus: SpeechCorpus, fold: Fold | None = None) -> SpeakerSplit:
    """Divides the speakers, about a fifth validate: the same for everybody who asks, without a seed.

    The hash is SHA-1 of the speaker's name. Of 50 and more speakers those of the lowest fifth of its range validate, so
    that a speaker stays where he is when others join; of fewer the fifth with the smallest hashes, at least one if
    there are two.

    Args:
      corpus: whose speakers.
      fold: divide in another way: ranked by their hashes, every ``fold.folds``-th from ``fold.number`` on validates, so
        that each speaker validates in one of the folds.

    Returns:
      The speakers; one who is alone trains.

    Raises:
      KwsError: there are fewer speakers than folds.
    """
    ranked = sorted(corpus.speakers, key=_hash)
    if fold:
        if len(ranked) < fold.folds:
            raise KwsError(f"{corpus.root} has {len(ranked)} speakers, too few for {fold.folds} folds. Take fewer.")
        held = frozenset(ranked[fold.number - 1 :: fold.folds])
        return SpeakerSplit(frozenset(ranked) - held, held)
    few = max(1, len(ranked) // 5) if len(ranked) > 1 else 0
    many = sum(_hash(speaker) < 0.2 for speaker in ranked)
    count = many if len(ranked) >= _MANY_SPEAKERS else few
    return SpeakerSplit(frozenset(ranked[count:]), frozenset(ranked[:count]))


def _hash(speaker: str) -> float:
    digest = hashlib.sha1(speaker.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest, "big") / 256 ** len(digest)
