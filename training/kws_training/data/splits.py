"""Which recordings of a folder train, which validate and which are kept for a test.

Lists in the folder's top (``validation_list.txt``, ``testing_list.txt``) win over every rule. The rule without them is
that of the data set's authors (P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209; TensorFlow's speech_commands example), or for small folders a fifth of the speakers of each word.
"""

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from kws_reference.audio.recordings import LISTS, Listing, label_of, named
from kws_reference.errors import KwsError
from kws_reference.labels import LabelSet, folded

from kws_training.data.clip_lists import has_lists, listed_clips
from kws_training.data.speakers import known_speakers, speaker_of, word_of

Split = Literal["training", "validation", "testing"]
Rule = Literal["auto", "hash", "lists", "few"]

SPLITS: tuple[Split, ...] = ("training", "validation", "testing")
_HASH_RANGE = 2**27 - 1
_OFFICIAL_NAME = r"[0-9a-f]{8}_nohash_\d+\."
_FEWEST_VALIDATION = 5  # recordings of each keyword; with fewer, "auto" takes a fifth of the speakers instead
_FEWEST_SPEAKERS = 5


@dataclasses.dataclass(frozen=True)
class Division:
    """The split of a folder.

    Attributes:
      rule: how it was made, for people.
      part: of each clip's name.
      notes: what a person should know: lines of lists that name nothing, speakers on both sides.
    """

    rule: str
    part: dict[str, Split]
    notes: tuple[str, ...] = ()

    def names(self, split: Split) -> list[str]:
        """The clips of one split, in the order of the listing."""
        return [name for name, part in self.part.items() if part == split]

    def table(self, words: Sequence[str]) -> list[str]:
        """For people: the number of clips of each label in each split.

        Args:
          words: the keywords.
        """
        labels = LabelSet.of_words(words)
        counts = Counter((label_of(word_of(name), labels), part) for name, part in self.part.items())
        rows = [label for label in labels if not label.startswith("_") or any(counts[label, part] for part in SPLITS)]
        width = max(map(len, (*rows, "all")))
        lines = [f"  {'':{width}}  {'training':>10} {'validation':>10} {'testing':>10}"]
        lines += [f"  {label:{width}}  " + " ".join(f"{counts[label, part]:10,}" for part in SPLITS) for label in rows]
        totals = Counter(self.part.values())
        return [*lines, f"  {'all':{width}}  " + " ".join(f"{totals[part]:10,}" for part in SPLITS)]


def divide(listing: Listing, words: Sequence[str], rule: Rule = "auto") -> Division:
    """Splits the clips of a folder.

    Args:
      listing: the folder.
      words: the keywords.
      rule: ``"hash"`` is the official rule, by speaker. ``"lists"`` goes by the lists of the folder: without a
        validation list the rest is divided into training and validation by the rule that would hold without lists;
        without a testing list speakers of the official data set whom the hash keeps for testing are kept; all else that
        no list names trains. ``"few"``: a fifth of the speakers of each word validates, the others train, none is left
        for testing. ``"auto"`` is ``"lists"`` where there is one, else ``"few"`` where the hash gives some keyword
        fewer than 5 validation clips, and else ``"hash"``.

    Raises:
      KwsError: the rule is not known, or a list cannot be read, is missing, or names no clip of the folder.
    """
    names = [item.name for item in listing.clips]
    if rule == "auto":
        rule = "lists" if has_lists(listing.root) else _rule_without_lists(names, words)
    if rule in ("hash", "few"):
        return _by_rule(names, rule)
    if rule != "lists":
        raise KwsError(f'split_by must be "auto", "hash", "lists" or "few". Received: {rule!r}')
    if not has_lists(listing.root):
        raise KwsError(f"{listing.root}: holds neither {' nor '.join(LISTS.values())}. Give one, or another split.")
    notes: list[str] = []
    listed = listed_clips(listing, notes)
    both = sorted(set.intersection(*listed.values())) if len(listed) == 2 else []
    if both:
        notes.append(f"{len(both):,} clips are in both lists and kept for testing ({named(both)})")
    part: dict[str, Split] = dict.fromkeys(names, "training")
    rest = [name for name in names if not any(name in known for known in listed.values())]
    text = f"by {' and '.join(LISTS[part] for part in listed)}; the others train"
    if "validation" not in listed:
        inner = _rule_without_lists(rest, words)
        validating = set(_by_rule(rest, inner).names("validation"))
        part.update((name, "validation") for name in validating)
        text = f"by {LISTS['testing']}; of the others {_RULES[inner]}, none is left for testing"
    elif "testing" not in listed:
        kept = [name for name in rest if _is_official(name) and hash_split(name) == "testing"]
        part.update((name, "testing") for name in kept)
        if kept:
            text += ", but for speakers that Speech Commands keeps for testing"
    for split in ("validation", "testing"):
        part.update((name, split) for name in listed.get(split, ()))
    return Division(text, part, (*notes, *_note_on_speakers(part)))


_RULES = {
    "hash": "a tenth validates by Speech Commands' hash of the speaker",
    "few": "a fifth of the speakers of each word validates",
}


def _by_rule(names: Sequence[str], rule: str) -> Division:
    if rule == "hash":
        text = f"{_RULES[rule]}, another is kept for testing"
        return Division(text, {name: hash_split(name) for name in names})
    validating = _few_for_validation(names)
    part: dict[str, Split] = {name: "validation" if name in validating else "training" for name in names}
    return Division(_RULES[rule], part, _note_on_speakers(part))


def _rule_without_lists(names: Sequence[str], words: Sequence[str]) -> Literal["hash", "few"]:
    counts: dict[str, int] = {}
    for name in names:
        label = label_of(word_of(name), words)
        if label:
            counts[label] = counts.get(label, 0) + (hash_split(name) == "validation")
    return "few" if any(count < _FEWEST_VALIDATION for count in counts.values()) else "hash"


def hash_percent(name: str) -> float:
    """Returns the number in [0, 100] by which the data set's authors split: equal for all clips of a speaker.

    Args:
      name: a file's name or path, such as ``yes/0a7c2a8d_nohash_0.wav``.
    """
    return _percent(speaker_of(name))


def hash_split(name: str, validation_percent: float = 10.0, testing_percent: float = 10.0) -> Split:
    """Returns the split to which a clip belongs by the official rule."""
    percent = hash_percent(name)
    if percent < validation_percent:
        return "validation"
    return "testing" if percent < validation_percent + testing_percent else "training"


def _note_on_speakers(part: dict[str, Split]) -> tuple[str, ...]:
    """How many speakers are in more than one split, as far as names tell; nothing if none is."""
    heard: dict[str, set[str]] = {}
    for name, split in part.items():
        for speaker in known_speakers([name]):
            heard.setdefault(speaker, set()).add(split)
    shared = sorted(speaker for speaker, splits in heard.items() if len(splits) > 1)
    return (
        (f"{len(shared):,} speakers are in more than one split, which flatters it ({named(shared)})",) if shared else ()
    )


def _is_official(name: str) -> bool:
    return bool(re.match(_OFFICIAL_NAME, name.rsplit("/", 1)[-1]))


def _percent(speaker: str) -> float:
    digest = int(hashlib.sha1(speaker.encode("utf-8", "surrogateescape")).hexdigest(), 16)
    return digest % (_HASH_RANGE + 1) * (100.0 / _HASH_RANGE)


def _few_for_validation(names: Sequence[str]) -> set[str]:
    """Of each word the first fifth of its speakers by hash, at least one; recordings, if there are hardly speakers."""
    speakers = {name: speaker_of(name) for name in names}
    if len(set(speakers.values())) < _FEWEST_SPEAKERS:
        speakers = {name: name for name in names}
    validating = set()
    words = {name: folded(word_of(name)) for name in names}
    for word in set(words.values()):
        here = sorted({speakers[name] for name in names if words[name] == word}, key=_percent)
        validating |= set(here[: max(1, len(here) // 5) if len(here) > 1 else 0])
    return {name for name in names if speakers[name] in validating}
