"""Where in a stream keywords are said, so that a detection there is no false accept.

With times of words, a keyword is a `Word` that a detection may find, and words that sound like it and words whose place
is not sure set detections of that label apart. With a transcript alone nobody knows where in the utterance a keyword
is: utterances that have one, or a word that sounds like it, are left out whole. Without either everything counts.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence

from kws_reference.labels import UNKNOWN, LabelSet, folded

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.recording_plan import Piece, Word
from kws_training.data.speech.said_labels import LabelSpotter
from kws_training.data.speech.word_times import SpokenWord
from kws_training.evaluate.matching import TOLERANCE_S
from kws_training.evaluate.speech.streams import Part, Stream

WordTimes = Mapping[str, Sequence[SpokenWord]]
"""The words of each recording, by its name."""


class Known(enum.Enum):
    """What is known about what is said; the values are the names in reports."""

    WORDS = "word times"
    TRANSCRIPT = "transcript"
    NOTHING = "nothing"


class Share(enum.IntEnum):
    """How a stretch counts; of two that meet in a moment, the larger one."""

    COUNTED = 0
    HOMOPHONE = 1
    """Left out: its transcript has a word that sounds like a keyword, and no keyword."""
    KEYWORD = 2
    """Left out: its transcript has a keyword."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Samples ``start`` to ``end``, exclusive, of a stream, and how they count."""

    start: int
    end: int
    share: Share


@dataclasses.dataclass(frozen=True)
class Apart:
    """Samples ``start`` to ``end`` of a stream in which a detection of ``label`` is neither right nor wrong."""

    label: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class HeardStream:
    """A stream with what is said in it.

    Attributes:
      stream: the recordings.
      piece: its words in order of time, those that are no keyword as unknown ones; for `match`.
      known: what is known of each part.
      stretches: how each moment counts, in order of time and without gaps; what is left out goes on until keywords at
        its end can no longer be detected (`TOLERANCE_S`).
      apart: at homophones and at words that could not be placed.
    """

    stream: Stream
    piece: Piece
    known: tuple[Known, ...]
    stretches: tuple[Stretch, ...]
    apart: tuple[Apart, ...]

    def share_at(self, sample: int) -> Share:
        """How a detection at a sample counts."""
        return next((each.share for each in self.stretches if sample < each.end), self.stretches[-1].share)

    def is_apart(self, label: str, sample: int) -> bool:
        """Whether a detection of a label is neither right nor wrong."""
        return any(one.label == label and one.start <= sample <= one.end for one in self.apart)


def heard_streams(streams: Sequence[Stream], times: WordTimes, labels: LabelSet) -> list[HeardStream]:
    """Tells what is said in streams.

    Args:
      streams: of recordings, with transcripts or without.
      times: of the words of recordings; of those that are missing the transcript tells.
      labels: of the model.

    Raises:
      KwsError: see `LabelSpotter`.
    """
    parts = [part for stream in streams for part in stream.parts]
    spotter = LabelSpotter(labels.keywords, _vocabulary(parts, times)) if any(map(_has_words, parts)) or times else None
    return [_heard(index, stream, times, labels, spotter) for index, stream in enumerate(streams)]


def _has_words(part: Part) -> bool:
    return part.recording.text is not None


def _vocabulary(parts: Sequence[Part], times: WordTimes) -> set[str]:
    words = {word for part in parts for word in part.recording.words}
    return words | {word.word for part in parts for word in times.get(part.recording.name, ())}


def _heard(index: int, stream: Stream, times: WordTimes, labels: LabelSet, spotter: LabelSpotter | None) -> HeardStream:
    words: list[Word] = []
    apart: list[Apart] = []
    known, shares = [], []
    for part in stream.parts:
        spoken = times.get(part.recording.name)
        if spoken is not None and spotter:
            known.append(Known.WORDS)
            shares.append(Share.COUNTED)
            _place(part, spoken, spotter, words, apart)
        elif _has_words(part) and spotter:
            known.append(Known.TRANSCRIPT)
            shares.append(_share(part.recording.words, labels, spotter))
        else:
            known.append(Known.NOTHING)
            shares.append(Share.COUNTED)
    words.sort(key=lambda word: (word.start, word.end))
    piece = Piece(index, stream.samples, tuple(words))
    return HeardStream(stream, piece, tuple(known), _stretches(stream, shares), tuple(apart))


def _place(
    part: Part, spoken: Sequence[SpokenWord], spotter: LabelSpotter, words: list[Word], apart: list[Apart]
) -> None:
    """Puts the words of a recording that lie in this part of it where they belong."""
    labelled = spotter.find(spoken)
    exact = [span for span in labelled if span.sure and _says(spoken, span)]
    for span in exact:
        words += _inside(part, span, span.word)
    for span in labelled:
        if span not in exact:
            start, end = part.sample(span.start_s), part.sample(span.end_s + TOLERANCE_S)
            if start < part.end and end > part.start:
                apart.append(Apart(span.word, start, end))
    for word in spoken:
        if not any(span.start_s <= word.start_s and word.end_s <= span.end_s for span in exact):
            words += _inside(part, word, UNKNOWN)


def _says(spoken: Sequence[SpokenWord], span: SpokenWord) -> bool:
    """Whether a span is the label itself, not a word that sounds like it."""
    said = [word.word for word in spoken if span.start_s <= word.start_s and word.end_s <= span.end_s]
    return folded(" ".join(said)) == folded(span.word)


def _inside(part: Part, span: SpokenWord, label: str) -> Iterable[Word]:
    """The word, if it lies in this part: a detection of one that is cut by a stream's end proves nothing."""
    start, end = part.sample(span.start_s), part.sample(span.end_s)
    if part.start <= start and end <= part.end:
        yield Word(start, label, start, start, end, 1.0)


def _share(words: Sequence[str], labels: LabelSet, spotter: LabelSpotter) -> Share:
    text = f" {' '.join(words)} "
    if any(f" {folded(label)} " in text for label in labels.keywords):
        return Share.KEYWORD
    return Share.HOMOPHONE if spotter.said_in(words) else Share.COUNTED


def _stretches(stream: Stream, shares: Sequence[Share]) -> tuple[Stretch, ...]:
    tolerance = round(TOLERANCE_S * SAMPLE_RATE_HZ)
    found: list[Stretch] = []
    before = Share.COUNTED
    for part, share in zip(stream.parts, shares, strict=True):
        middle = min(part.start + tolerance, part.end) if before > share else part.start
        found += [Stretch(part.start, middle, before), Stretch(middle, part.end, share)]
        before = share
    return tuple(each for each in found if each.start < each.end)
