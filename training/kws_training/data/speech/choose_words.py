"""Which words of running speech become clips: keywords, and unknown words of as many kinds and people as possible."""

import dataclasses
import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from kws_reference.labels import folded

from kws_training.data.speech.corpus import SpeechCorpus
from kws_training.data.speech.pronouncing import pronounced
from kws_training.data.speech.said_labels import LabelSpotter
from kws_training.data.speech.word_times import SpokenWord

_ENDINGS: tuple[tuple[str, ...], ...] = ((), ("S",), ("Z",), ("IH", "Z"), ("AH", "Z"))
"""Of plurals: stops is no unknown word beside stop."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """A word to cut out.

    Attributes:
      folder: the keyword, or the unknown word.
      speaker: who says it.
      number: which of this speaker's words of this folder it is, in the order of the recordings.
      recording: name of the recording.
      word: what is said: the keyword, one that sounds the same, or the unknown word.
      start_s: where it begins in the recording.
      end_s: where it ends.
      before_s: where the word before it ends, 0 if it is the first.
      behind_s: where the next word begins, infinite if it is the last.
      doubt: why it is no good clip, "" if it is one.
    """

    folder: str
    speaker: str
    number: int
    recording: str
    word: str
    start_s: float
    end_s: float
    before_s: float
    behind_s: float
    doubt: str = ""

    @property
    def name(self) -> str:
        """Path of the clip; what stands before ``_nohash_`` is the speaker."""
        return f"{self.folder}/{file_safe(self.speaker)}_nohash_{self.number}.wav"


def file_safe(speaker: str) -> str:
    """A speaker's name as part of a file's name; two speakers never have the same one."""
    safe = re.sub(r"[^\w.-]", "-", speaker).replace("_nohash_", "-nohash-")
    changed = safe != speaker or safe.startswith((".", "-", "_")) or len(safe) > 60
    return f"{safe.strip('._-')[:50]}-{_digest(speaker)[:6]}" if changed else safe


def keyword_cuts(corpus: SpeechCorpus, times: Mapping[str, Sequence[SpokenWord]], keywords: Sequence[str]) -> list[Cut]:
    """All that say a keyword, in doubt or not, in the order of the recordings.

    Args:
      corpus: the folder.
      times: its word times.
      keywords: words or phrases.

    Raises:
      KwsError: as `homophones`.
    """
    spotter = LabelSpotter(keywords, _vocabulary(times))
    cuts = []
    numbers: Counter[tuple[str, str]] = Counter()
    for item in corpus.recordings:
        words = times.get(item.name, ())
        for span in spotter.find(words):
            said = " ".join(word.word for word in words if span.start_s <= word.start_s and word.end_s <= span.end_s)
            cuts.append(_cut(span, span.word, said, item.speaker, item.name, words, numbers))
    return cuts


def unknown_cuts(
    corpus: SpeechCorpus,
    times: Mapping[str, Sequence[SpokenWord]],
    keywords: Sequence[str],
    count: int,
    longest_s: float = math.inf,
) -> list[Cut]:
    """Words that are no keyword: first one of every word, then another one of each, ..., of speakers in turn.

    Words that sound like a keyword, its plural or a part of a phrase, and words in doubt are never taken.

    Args:
      corpus: the folder.
      times: its word times.
      keywords: words or phrases.
      count: how many; fewer if the speech has not as many.
      longest_s: words that take longer are not taken.

    Returns:
      In the order of the recordings.

    Raises:
      KwsError: as `homophones`.
    """
    vocabulary = _vocabulary(times)
    forbidden = _like_keywords(vocabulary, keywords)
    spotter = LabelSpotter(keywords, vocabulary)
    numbers: Counter[tuple[str, str]] = Counter()
    of_word: defaultdict[str, list[Cut]] = defaultdict(list)
    place: dict[Cut, int] = {}
    for item in corpus.recordings:
        words = times.get(item.name, ())
        keys = [(span.start_s, span.end_s) for span in spotter.find(words)]
        for word in words:
            if word.word in forbidden or any(start < word.end_s and word.start_s < end for start, end in keys):
                continue
            cut = _cut(word, word.word, word.word, item.speaker, item.name, words, numbers)
            if word.sure and word.end_s - word.start_s <= longest_s:
                of_word[word.word].append(cut)
                place[cut] = len(place)
    taken: list[Cut] = []
    of_speaker: Counter[str] = Counter()
    heard: Counter[tuple[str, str]] = Counter()
    words_in_turn = sorted(of_word, key=_digest)
    while len(taken) < count and words_in_turn:
        for said in words_in_turn[: count - len(taken)]:
            best = min(of_word[said], key=lambda cut: _least_heard(cut, heard, of_speaker))
            of_word[said].remove(best)
            heard[said, best.speaker] += 1
            of_speaker[best.speaker] += 1
            taken.append(best)
        words_in_turn = [said for said in words_in_turn if of_word[said]]
    return sorted(taken, key=place.__getitem__)


def _least_heard(cut: Cut, heard: Counter[tuple[str, str]], of_speaker: Counter[str]) -> tuple[int, int, str]:
    """Key of the word to take next: who said it least often, then who was taken least often, then by hash."""
    return heard[cut.word, cut.speaker], of_speaker[cut.speaker], _digest(f"{cut.recording} {cut.start_s}")


def _cut(
    span: SpokenWord,
    folder: str,
    said: str,
    speaker: str,
    recording: str,
    words: Sequence[SpokenWord],
    numbers: Counter[tuple[str, str]],
) -> Cut:
    number = numbers[folder, speaker]
    numbers[folder, speaker] += 1
    before = max((word.end_s for word in words if word.end_s <= span.start_s + 1e-6), default=0.0)
    behind = min((word.start_s for word in words if word.start_s >= span.end_s - 1e-6), default=float("inf"))
    return Cut(folder, speaker, number, recording, said, span.start_s, span.end_s, before, behind, span.doubt)


def _vocabulary(times: Mapping[str, Sequence[SpokenWord]]) -> list[str]:
    return sorted({word.word for words in times.values() for word in words})


def _like_keywords(vocabulary: Iterable[str], keywords: Sequence[str]) -> set[str]:
    """Words that sound like a keyword or its plural."""
    plain = [folded(keyword) for keyword in keywords]
    ways = pronounced([*vocabulary, *plain])
    sounds = {(*way, *ending) for keyword in plain for way in ways[keyword] for ending in _ENDINGS}
    return {word for word in ways if sounds.intersection(ways[word])} | set(plain)


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogateescape")).hexdigest()
