"""Aligns all recordings of a folder, in two processes; what was done before is kept."""

import concurrent.futures
import dataclasses
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.system import workers

from kws_training.data.speech.align import RATE_HZ, Aligner
from kws_training.data.speech.alignment_checks import UNPLACED, doubts, without_pauses
from kws_training.data.speech.corpus import SpeechCorpus, SpeechRecording
from kws_training.data.speech.pronouncing import Ways, pronounced
from kws_training.data.speech.word_times import SpokenWord, read_word_times, write_word_times

log = logging.getLogger(__name__)

WORKERS = 2
_KEEP_EVERY_S = 20.0


@dataclasses.dataclass(frozen=True)
class AlignedCorpus:
    """Word times of a folder.

    Attributes:
      times: the words of each recording with a transcript, in doubt or not, by its name.
      refused: recordings of which words have no times and why, by name.
    """

    times: dict[str, tuple[SpokenWord, ...]]
    refused: dict[str, str]


def align_corpus(corpus: SpeechCorpus, file: Path, processes: int = WORKERS) -> AlignedCorpus:
    """Finds the times of all words of all recordings with a transcript.

    Args:
      corpus: the folder.
      file: table of word times, written every few seconds and at the end. Recordings whose words it has already, in the
        order of the transcript, are not aligned again.
      processes: that align side by side.

    Returns:
      The times. A recording whose transcript does not fit has its words too, each with the whole stretch in which they
      must be and in doubt.

    Raises:
      KwsError: no recording has a transcript, or the file cannot be read or written.
    """
    written = [item for item in corpus.recordings if item.words]
    if not written:
        raise KwsError(
            f"{corpus.root}: no recording has a transcript. Write one: a .tsv with lines of file, tab, text; or "
            "LibriSpeech's *.trans.txt."
        )
    before = read_word_times(file) if file.is_file() else {}
    times = {item.name: before[item.name] for item in written if _is_done(item, before.get(item.name, ()))}
    todo = [item for item in written if item.name not in times]
    if times:
        log.info(f"{file}: has the words of {len(times):,} recordings already; {len(todo):,} are left")
    refused: dict[str, str] = {}
    kept = time.monotonic()
    try:
        for name, words, refusal in _aligned(todo, processes) if todo else ():
            if words:
                times[name] = words
            if refusal:
                refused[name] = refusal
            if time.monotonic() - kept > _KEEP_EVERY_S:
                write_word_times(file, times)
                kept = time.monotonic()
    finally:
        write_word_times(file, times)
    unplaced = {name: why for name, words in times.items() if (why := _misfit(words))}
    return AlignedCorpus(times, unplaced | refused)


def _aligned(todo: Sequence[SpeechRecording], processes: int) -> Iterator[tuple[str, tuple[SpokenWord, ...], str]]:
    """Name, words, and what speaks against the recording, in the order in which they are done."""
    vocabulary = pronounced(word for item in todo for word in item.words)
    progress = Progress("aligning", len(todo))
    with workers.pool(min(processes, len(todo)), _start, vocabulary) as executor:
        futures = {executor.submit(_align, item): item.name for item in todo}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            yield (futures[future], *future.result())
            progress.update(done)


def _misfit(words: tuple[SpokenWord, ...]) -> str:
    """What to say of a recording that does not fit its transcript; "" of one that does."""
    lost = [word for word in words if word.doubt == UNPLACED]
    start_s = min((word.start_s for word in lost), default=0.0)
    return f"the transcript does not fit from {start_s:.1f} s on, {len(lost):,} words have no times" if lost else ""


def _is_done(item: SpeechRecording, words: tuple[SpokenWord, ...]) -> bool:
    return sorted(word.word for word in words) == sorted(item.words)


_worker: dict[str, Aligner] = {}


def _start(vocabulary: dict[str, Ways]) -> None:
    _worker["aligner"] = Aligner(vocabulary)


def _align(item: SpeechRecording) -> tuple[tuple[SpokenWord, ...], str]:
    """The words of a recording, and what speaks against it as a whole."""
    try:
        pcm = read_wav(item.path, RATE_HZ)
    except KwsError as error:
        return (), str(error)
    refusal = ""
    try:
        placed = without_pauses(pcm, _worker["aligner"].align(pcm, item.words))
    except KwsError as error:
        placed, refusal = (), str(error)
    words = [
        SpokenWord(round(word.start_s, 3), round(word.end_s, 3), word.word, doubt)
        for word, doubt in zip(placed, doubts(pcm, placed), strict=True)
    ]
    if len(placed) < len(item.words):
        start_s = placed[-1].end_s if placed else 0.0
        end_s = max(round(len(pcm) / RATE_HZ, 3), start_s + 0.001)
        words += [SpokenWord(round(start_s, 3), end_s, word, UNPLACED) for word in item.words[len(placed) :]]
    return tuple(words), refusal
