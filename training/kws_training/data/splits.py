"""Which recordings of a folder train, which validate and which are kept for a test.

Lists in the folder's top (``validation_list.txt``, ``testing_list.txt``) win over every rule. The rule without them is
that of the data set's authors (P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv:1804.03209; TensorFlow's speech_commands example), or for small folders a fifth of the speakers of each word.
"""

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from kws_reference.audio.recordings import LISTS, Listing, label_of, named
from kws_reference.errors import KwsError
from kws_reference.labels import UNKNOWN, LabelSet, folded, normalised

Split = Literal["training", "validation", "testing"]
Rule = Literal["auto", "hash", "lists", "few"]

SPLITS = ("training", "validation", "testing")
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


def has_lists(root: Path) -> bool:
    """Whether a folder says by itself how it is split."""
    return any((root / file).is_file() for file in LISTS.values())


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


def listed_clips(listing: Listing, notes: list[str]) -> dict[str, set[str]]:
    """Reads the lists of a folder.

    Args:
      listing: the folder.
      notes: gets a line for a list that names clips that are not there.

    Returns:
      For each split that has a list its clips.

    Raises:
      KwsError: a list cannot be read, or names clips but none of the folder.
    """
    listed = {}
    for part, file in LISTS.items():
        if not (listing.root / file).is_file():
            continue
        lines = read_names(listing.root / file, listing.root)
        listed[part], missing = find_names(lines, [item.name for item in listing.clips])
        if missing and not listed[part]:
            raise KwsError(
                f"{listing.root / file}: none of its {len(missing):,} lines is a recording here, first: {missing[0]}. "
                "Write one WORD/FILE.wav a line, as the folder has them, or take the list away."
            )
        if missing:
            notes.append(f"{file} names {len(missing):,} clips that are not here ({named(missing)})")
    return listed


def find_names(lines: Iterable[str], names: Iterable[str]) -> tuple[set[str], list[str]]:
    """Finds what a list means.

    Args:
      lines: of the list (`read_names`).
      names: of all clips.

    Returns:
      The names that a line is: exactly, or else but for the encoding of accents, or else but for case. And the lines
      that are none.
    """
    known: tuple[dict[str, list[str]], ...] = ({}, {}, {})
    for name in names:
        for forms, form in zip(known, _forms(name), strict=True):
            forms.setdefault(form, []).append(name)
    found, missing = set(), []
    for line in lines:
        matches = next((forms[form] for forms, form in zip(known, _forms(line), strict=True) if form in forms), [])
        found |= set(matches)
        if not matches:
            missing.append(line)
    return found, missing


def _forms(name: str) -> tuple[str, str, str]:
    return name, normalised(name), normalised(name).casefold()


def read_names(path: Path, root: Path | None = None) -> list[str]:
    """Reads a list of clips.

    Blank lines and lines that begin with ``#`` say nothing; ``\\`` counts as ``/``; ``./`` before a path, a byte order
    mark and Windows line ends are dropped; absolute paths become those below the folder.

    Args:
      path: text file with one path a line.
      root: the folder of the clips.

    Returns:
      Different names, in the order of the file.

    Raises:
      KwsError: it cannot be read as UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}). Give a list with one path a line.") from error
    except UnicodeDecodeError as error:
        raise KwsError(
            f"{path}: cannot be read (it is not a text file: save it as UTF-8). Give a list with one path a line."
        ) from error
    prefixes = [f"{folder.as_posix()}/" for folder in (root, root.resolve())] if root else []
    names: dict[str, None] = {}
    for line in re.split(r"[\r\n]+", text):
        name = line.strip().replace("\\", "/")
        if not name or name.startswith("#"):
            continue
        for prefix in prefixes if name.startswith("/") else ():
            name = name.removeprefix(prefix)
        parts = [part for part in name.split("/") if part != "."]
        names["/".join(part for index, part in enumerate(parts) if part or not index)] = None
    return list(names)


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


def known_speakers(names: Iterable[str]) -> set[str]:
    """The speakers of clips, as far as names tell: ``_nohash_``, or a folder for each person."""
    return {speaker for name in names if (speaker := speaker_of(name)) != name.rsplit("/", 1)[-1]}


def _folder_of_person(folders: Sequence[str]) -> str:
    """The folder below the word's; in ``_unknown_`` the word has one of its own."""
    unknown = folders and normalised(folders[0]).casefold() == UNKNOWN
    return "".join(folders[2:3] if unknown else folders[1:2])


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
