"""A folder of clips out of a folder of speech: keywords and unknown words, in the layout of Speech Commands."""

import contextlib
import dataclasses
import json
import logging
import os
import wave
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import LISTS
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import normalised
from kws_reference.system.files import replace

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.speech.alignment_checks import REASONS
from kws_training.data.speech.choose_words import Cut, keyword_cuts, unknown_cuts
from kws_training.data.speech.corpus import SpeechCorpus, split_speakers
from kws_training.data.speech.cut_words import LONGEST_S, SWALLOWED, TOO_LONG, Surroundings, clip_of, quiet_of
from kws_training.data.speech.transcripts import CUTS
from kws_training.data.speech.word_times import SpokenWord

log = logging.getLogger(__name__)

REPORT = "cuts.json"
ASIDE = "_aside_"
"""Folder for keywords in which a model hears something else; no reader of clips takes what lies in it."""

_COLUMNS = ("file", "recording", "start_s", "end_s", "said", "left_out")
SHORTEST_S = 0.12
"""Of keywords in read speech that are shorter the released model hears 16 %, of the others 66 %."""
_HEARD = "heard as "
_HEARD_AT_ONCE = 2000
_WHY = {**REASONS, TOO_LONG: "no room for it in a clip", SWALLOWED: "too short to be heard as the word"}

Listener = Callable[[np.ndarray, Sequence[str]], list[str]]
"""Takes clips int16 ``[clips, samples]`` and their labels; says of each what it hears in its place, "" if that."""


@dataclasses.dataclass(frozen=True)
class CutJob:
    """What to cut.

    Attributes:
      corpus: the recordings.
      times: their word times.
      keywords: words or phrases.
      unknown: how many other words.
      surroundings: what is around a word (`clip_of`).
      out: folder for the clips.
      shortest_s: keywords that take less are left out.
      listener: a second look at each keyword, None without.
    """

    corpus: SpeechCorpus
    times: Mapping[str, Sequence[SpokenWord]]
    keywords: Sequence[str]
    unknown: int
    surroundings: Surroundings
    out: Path
    shortest_s: float = SHORTEST_S
    listener: Listener | None = None


def cut_corpus(job: CutJob, refused: Mapping[str, str]) -> dict[str, Any]:
    """Writes ``<word>/<speaker>_nohash_<n>.wav``, ``validation_list.txt``, ``cuts.tsv`` and ``cuts.json``.

    Clips of an earlier call that this one does not make are removed. Everything is a pure function of the recordings,
    their word times and the job.

    Args:
      job: what to cut.
      refused: recordings whose transcript does not fit and why; for the report.

    Returns:
      The report, as written.

    Raises:
      KwsError: nothing can be cut, the folder has clips of other origin, or it cannot be written.
    """
    found = keyword_cuts(job.corpus, job.times, job.keywords)
    found = [cut if cut.doubt else dataclasses.replace(cut, doubt=_unfit(cut, job.shortest_s)) for cut in found]
    unknown = unknown_cuts(job.corpus, job.times, job.keywords, job.unknown, LONGEST_S)
    good = [cut for cut in found if not cut.doubt] + unknown
    if not good:
        raise KwsError(
            f"{job.corpus.root}: none of {', '.join(job.keywords)} is said in it where its times are sure. Give other "
            "words, more speech, or --unknown."
        )
    try:
        before = _clips_before(job.out)
        _write_clips(job, good)
        if job.listener:
            found = _second_look(job, job.listener, found)
        kept = [cut for cut in found if not cut.doubt] + unknown
        aside = [f"{ASIDE}/{cut.name}" for cut in found if cut.doubt.startswith(_HEARD)]
        for name in before - {cut.name for cut in kept} - set(aside):
            (job.out / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                (job.out / name).parent.rmdir()  # if it was the last one
        return _report(job, found, unknown, refused)
    except OSError as error:
        raise KwsError(f"cannot write to {job.out}: {error.strerror}. Free space or choose another folder.") from None


def _unfit(cut: Cut, shortest_s: float) -> str:
    length_s = cut.end_s - cut.start_s
    return TOO_LONG if length_s > LONGEST_S else SWALLOWED if length_s < shortest_s else ""


def _clips_before(out: Path) -> set[str]:
    """The clips that an earlier call left; refuses a folder that has others."""
    table = out / CUTS
    lines = table.read_text(encoding="utf-8").splitlines()[1:] if table.is_file() else []
    ours = {line.split("\t")[0] for line in lines}
    ours |= {f"{ASIDE}/{name}" for name in ours}
    there = {path.relative_to(out).as_posix() for path in (*out.glob("*/*.wav"), *out.glob(f"{ASIDE}/*/*.wav"))}
    if others := {normalised(name) for name in there} - {normalised(name) for name in ours}:
        raise KwsError(f"{out}: holds clips that were not cut, such as {min(others)}. Choose another folder.")
    return there


def _write_clips(job: CutJob, cuts: Sequence[Cut]) -> None:
    of_recording: defaultdict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        of_recording[cut.recording].append(cut)
        (job.out / cut.folder).mkdir(exist_ok=True)
    items = [item for item in job.corpus.recordings if item.name in of_recording]
    progress = Progress("cutting", len(items))
    for done, item in enumerate(items, 1):
        pcm = read_wav(item.path, SAMPLE_RATE_HZ)
        quiet = quiet_of(pcm, zlib.crc32(item.name.encode("utf-8", "surrogateescape")))
        for cut in of_recording[item.name]:
            _write_wav(job.out / cut.name, clip_of(pcm, cut, job.surroundings, quiet))
        progress.update(done)


def _second_look(job: CutJob, listener: Listener, cuts: Sequence[Cut]) -> list[Cut]:
    """Moves clips aside in which something else is heard."""
    rows = [row for row, cut in enumerate(cuts) if not cut.doubt]
    looked = list(cuts)
    for first in range(0, len(rows), _HEARD_AT_ONCE):
        part = rows[first : first + _HEARD_AT_ONCE]
        pcm = np.stack([read_wav(job.out / cuts[row].name, SAMPLE_RATE_HZ) for row in part])
        for row, heard in zip(part, listener(pcm, [cuts[row].folder for row in part]), strict=True):
            if heard:
                cut = looked[row] = dataclasses.replace(cuts[row], doubt=f"{_HEARD}{heard}")
                (job.out / ASIDE / cut.folder).mkdir(parents=True, exist_ok=True)
                os.replace(job.out / cut.name, job.out / ASIDE / cut.name)
    return looked


def _report(job: CutJob, found: Sequence[Cut], unknown: Sequence[Cut], refused: Mapping[str, str]) -> dict[str, Any]:
    validating = split_speakers(job.corpus).validation
    kept = [cut for cut in found if not cut.doubt] + list(unknown)
    names = sorted(cut.name for cut in kept if cut.speaker in validating)
    replace(job.out / LISTS["validation"], "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
    rows = ["\t".join(_COLUMNS)]
    for cut in (*found, *unknown):
        rows.append("\t".join((cut.name, cut.recording, f"{cut.start_s:.3f}", f"{cut.end_s:.3f}", cut.word, cut.doubt)))
    replace(job.out / CUTS, "".join(f"{row}\n" for row in rows).encode("utf-8", "surrogateescape"))
    doubts = Counter(word.doubt for words in job.times.values() for word in words if word.doubt)
    report = {
        "recordings": len(job.corpus.recordings),
        "recordings_with_times": len(job.times),
        "words_with_times": sum(map(len, job.times.values())),
        "doubts": dict(sorted(doubts.items())),
        "surroundings": job.surroundings,
        "keywords": {word: _counts([cut for cut in found if cut.folder == word], validating) for word in job.keywords},
        "unknown": {
            **{"asked": job.unknown, "clips": len(unknown), "words": len({cut.folder for cut in unknown})},
            "speakers": len({cut.speaker for cut in unknown}),
            "validation": sum(cut.speaker in validating for cut in unknown),
        },
        "validation_speakers": sorted(validating),
        "refused_recordings": dict(sorted(refused.items())),
    }
    replace(job.out / REPORT, (json.dumps(report, indent=1) + "\n").encode())
    return report


def _counts(cuts: Sequence[Cut], validating: frozenset[str]) -> dict[str, Any]:
    kept = [cut for cut in cuts if not cut.doubt]
    return {
        "said": len(cuts),
        "clips": len(kept),
        "speakers": len({cut.speaker for cut in kept}),
        "validation": sum(cut.speaker in validating for cut in kept),
        "as": dict(Counter(cut.word for cut in kept).most_common()),
        "left_out": dict(Counter(cut.doubt for cut in cuts if cut.doubt).most_common()),
    }


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """For people: a table of the keywords, and what was left out and why."""
    width = max(map(len, (*report["keywords"], "unknown")))
    lines = [f"{'':{width}}   said  clips  speakers  validation  left out"]
    for word, row in report["keywords"].items():
        out = ", ".join(f"{why} {count}" for why, count in row["left_out"].items())
        lines.append(
            f"{word:{width}}  {row['said']:5,}  {row['clips']:5,}  {row['speakers']:8,}  {row['validation']:10,}  {out}"
        )
    row = report["unknown"]
    lines.append(
        f"{'unknown':{width}}         {row['clips']:5,}  {row['speakers']:8,}  {row['validation']:10,}  "
        f"{row['words']:,} different words, {row['asked']:,} asked for"
    )
    for why, count in report["doubts"].items():
        lines.append(
            f"in doubt, {why}: {count:,} of {report['words_with_times']:,} words ({_WHY.get(why, 'as given')})"
        )
    return lines


def _write_wav(path: Path, pcm: np.ndarray) -> None:
    partial = path.with_suffix(".partial")
    with wave.open(str(partial), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE_HZ, len(pcm), "NONE", ""))
        out.writeframes(pcm.astype("<i2").tobytes())
    os.replace(partial, path)
