"""Words that are none of the keywords, for synthetic voices to say: common words, and words close to the keywords.

How a word sounds comes from espeak-ng, which prints its phonemes, and from flite where it is installed.
"""

import contextlib
import glob
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.recordings import VOICES_RECORD
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL

from kws_training.data.voices import (
    ACCENTS,
    ESPEAK,
    FLITE,
    INSTALL,
    check_lengths,
    check_sayable,
    output_of,
    voices,
    write_voices,
)

COMMON_WORDS = tuple(
    """
    about above actor after again air almost along also always amber angel anger animal answer apple april arm army
    around arrow artist august autumn away baby back bag ball banana bank basket battle beach beauty because become
    before begin behind bell below better between beyond bicycle big birthday black blanket blue board boat body book
    bottle bottom bowl box boy branch bread break breakfast breath bridge bright brother brown brush bucket building
    burn bus business busy butter button camera candle captain car card carry castle center chair chance change cheese
    chicken child choice church circle city class clean clear clever clock cloud coat coffee cold color common computer
    cook copper corner cotton country cousin cover cow cream cup dance danger dark daughter day december deep desert
    dinner doctor dollar donkey door dragon dream dress drink drive dry duck dust ear early earth easy egg elephant
    empty engine enough evening every example eye face fair family farm fast father february feather field
    finger finish fire fish flag floor flower fly food foot forest forget fork fresh friday friend frog fruit full
    funny future game garden gate general ghost giant girl give glass gold good grandmother grass gray great green
    ground group guitar hair half hammer hand hard hat head health heart heavy hello help history hold holiday home
    honey hope horse hospital hotel hour hundred hungry husband ice idea important inside iron island jacket january
    job joke journey juice jump june jungle key kind king kitchen kitten knife ladder lady lake lamp language large
    later laugh lawyer leaf leather lemon letter library lion listen little long machine magic market matter meadow
    measure medicine memory message middle milk minute mirror monday money monkey month moon morning mother mountain
    mouse mouth movie music narrow nature needle neighbor never new night noise north nothing november number ocean
    october office often oil old open orange other outside over page paint paper parent party people pepper person
    picture pillow pilot pink place plant plate please pocket pony potato present president pretty problem purple
    question quick quiet rabbit rain reason record red remember repeat rice ring river road rocket room round sand
    saturday school science season second secret september shadow sheep ship shirt shoe short shoulder silver simple
    sister sky sleep slow small smile snow soap soft soldier song soup south space spoon spring square star station
    story street strong student sugar summer sunday surprise sweet swim table tail teacher thank thirty thunder
    thursday tiger tired today together tomorrow tonight tower town train travel treasure trouble tuesday turtle uncle
    under until valley very village violin visit voice wagon wait walk wall warm watch water wednesday weekend welcome
    west wheel white window winter winner wish woman wonder wood word work world yellow yesterday young zebra
    """.split()
)
"""Common English words, spoken as they are spelled."""

_ONSETS = "b bl br ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr r s sh sl sn sp st str t th tr v w y".split()
_VOWELS = "a e i o u ai ea ee oa oo ou ow oy ar er or".split()
_CODAS = "b ck d f ft g l ld lt m mp n nd ng nk nt p pt r rd rk rm rn rt s sh sp st t th x".split()
_VOICING = {frozenset(pair) for pair in ("pb", "td", "kɡ", "fv", "sz", "ʃʒ", "θð", "ɾt", "ɾd", ("tʃ", "dʒ"))}
_ACCENTS = tuple(sorted(set(ACCENTS)))
_LARGEST_DISTANCE = 2.0  # of a word that counts as close

Ways = tuple[tuple[str, ...], ...]
"""How a word is said: phonemes by espeak-ng in each accent, then by flite if it is there."""
Sounds = set[tuple[str, ...]]


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


def unknown_words(labels: Sequence[str], count: int, seed: int, close_share: float = 0.5) -> list[str]:
    """Draws words that are none of the labels.

    Args:
      labels: the keywords.
      count: how many words.
      seed: draws them.
      close_share: share of the words that sound close to a label (`near_words`); the rest are common words.

    Returns:
      At most ``count`` different words, none that sounds like a label or its plural.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng([seed, count])
    parts = parts_of_phrases(labels)[:count]
    close = parts + near_words(labels, max(0, round(count * close_share) - len(parts)), seed)
    close = list(dict.fromkeys(close))
    others = [word for word in distinct_words(COMMON_WORDS, labels) if word not in close]
    return sorted(close + [others[index] for index in rng.permutation(len(others))[: count - len(close)]])


def parts_of_phrases(labels: Sequence[str]) -> list[str]:
    """Returns the single words of the labels that have several, but for those that sound like a label.

    Raises:
      KwsError: espeak-ng is missing.
    """
    parts = [word for label in labels if " " in label for word in label.split()]
    return sorted(distinct_words(parts, labels)) if parts else []


def near_words(labels: Sequence[str], count: int, seed: int) -> list[str]:
    """Invents words that differ from a label in a sound or two, and finds such ones among the common words.

    Args:
      labels: the keywords; each gets about the same number.
      count: how many words.
      seed: draws among those that are equally close.

    Returns:
      At most ``count`` different words, none that sounds like a label, its plural or another of them.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng(seed)
    labels = [label.lower() for label in labels]
    spellings = {label: sorted({*_respelled(label), *COMMON_WORDS} - set(labels)) for label in labels}
    everything = sorted({*labels, *(word for words in spellings.values() for word in words)})
    sounds = pronunciations(everything)
    forbidden = _sounds_of(labels, sounds)
    chosen: list[str] = []
    heard: set[tuple] = set()
    for place, label in enumerate(labels):
        wanted = (place + 1) * count // len(labels) - len(chosen)
        rated = []
        for word in spellings[label]:
            nearest = min(distance(*pair) for pair in zip(sounds[word], sounds[label], strict=True))
            distinct = not _same(sounds[word], forbidden) and not _begins(sounds[word], sounds[label])
            if nearest <= _LARGEST_DISTANCE and distinct and _regular(sounds[word]):
                rated.append((nearest, rng.random(), word))
        for _, _, word in sorted(rated):
            if wanted > 0 and sounds[word] not in heard and word not in chosen:
                chosen.append(word)
                heard.add(sounds[word])
                wanted -= 1
    return sorted(chosen)


def distinct_words(words: Iterable[str], labels: Sequence[str]) -> list[str]:
    """Returns those of the words, in order, that do not sound like a label or its plural.

    Raises:
      KwsError: espeak-ng is missing.
    """
    words = list(dict.fromkeys(word.lower() for word in words))
    labels = [label.lower() for label in labels]
    sounds = pronunciations([*words, *labels])
    forbidden = _sounds_of(labels, sounds)
    return [word for word in words if not _same(sounds[word], forbidden)]


def pronunciations(words: Sequence[str]) -> dict[str, Ways]:
    """Returns the phonemes of each word: by espeak-ng in each of its accents, and by flite if it is there.

    Raises:
      KwsError: espeak-ng is missing, or prints something else than a line for each word.
    """
    if not shutil.which(ESPEAK):
        raise KwsError(f"{ESPEAK} is not on PATH; it tells which words sound alike. {INSTALL}")
    words = list(dict.fromkeys(words))
    text = "".join(f"{word}.\n\n" for word in words)
    ways = []
    for accent in _ACCENTS:
        lines = output_of([ESPEAK, "-q", "-v", accent, "--ipa=1", "--sep=_", "--stdin"], text).split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        if len(lines) == len(words):
            lines = [line.replace(" ", "_") if " " in word else line for word, line in zip(words, lines, strict=True)]
        ways.append([tuple(re.sub("[ˈˌː ]", "", line).split("_")) for line in lines])
    if shutil.which(FLITE):
        phones = output_of([FLITE, "-ps", "-voice", "kal", "-o", "none", "-t", text.replace("\n\n", " ")])
        ways.append([tuple(part.split()) for part in phones.split("pau") if part.strip()])
    if any(len(way) != len(words) for way in ways):
        raise KwsError(f"cannot tell how these words are pronounced: {', '.join(words[:5])}... Spell them otherwise.")
    return dict(zip(words, zip(*ways, strict=True), strict=True))


def distance(one: Sequence[str], other: Sequence[str]) -> float:
    """Returns the edit distance of two words in phonemes; a change of voicing alone, as from t to d, counts half."""
    row = [float(index) for index in range(len(other) + 1)]
    for first in one:
        before, row[0] = row[0], row[0] + 1.0
        for index, second in enumerate(other):
            cost = 0.0 if first == second else 0.5 if frozenset((first, second)) in _VOICING else 1.0
            before, row[index + 1] = row[index + 1], min(before + cost, row[index] + 1.0, row[index + 1] + 1.0)
    return row[-1]


def _same(ways: Ways, forbidden: tuple[Sounds, Sounds]) -> bool:
    """Whether espeak-ng in some accent, or flite, says a forbidden word."""
    return any(way in forbidden[index >= len(_ACCENTS)] for index, way in enumerate(ways))


def _sounds_of(labels: Sequence[str], sounds: dict[str, Ways]) -> tuple[Sounds, Sounds]:
    """The labels and their plurals, as espeak-ng says them in any accent and as flite does."""
    forbidden: tuple[Sounds, Sounds] = (set(), set())
    for label in labels:
        for index, way in enumerate(sounds[label]):
            ends = ((), ("s",), ("z",), *((vowel, "z") for vowel in ("ɪ", "ᵻ", "ax", "ih")))
            forbidden[index >= len(_ACCENTS)].update((*way, *end) for end in ends)
    return forbidden


def _begins(ways: Ways, label: Ways) -> bool:
    """Whether one is the other's beginning: a detector hears a label in its longer form, and in a swallowed end."""
    return any(way[: len(other)] == other[: len(way)] for way in ways for other in label)


def _regular(ways: Ways) -> bool:
    """Whether all programs say about the same; some spell a strange word letter by letter."""
    return max(map(len, ways)) - min(map(len, ways)) <= 1


def _respelled(word: str) -> set[str]:
    """Words with another beginning, another end or another vowel."""
    parts = re.fullmatch(r"([^aeiouy]*)(.*?)([^aeiou]*)(e?)", word)
    onset, middle, coda, silent = parts.groups()
    found = {other + middle + coda + silent for other in (*_ONSETS, "")}
    found |= {onset + middle + other for other in _CODAS}
    first = re.match(r"([^aeiouy]*)([aeiouy]+)(.*)", word)
    if first:
        found |= {first[1] + other + first[3] for other in _VOWELS}
    return {other for other in found if len(other) > 1 and re.search("[aeiouy]", other) and other != word}
