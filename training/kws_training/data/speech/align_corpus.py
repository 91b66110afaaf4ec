"""Aligns all recordings of a folder, in two processes; what was done before is kept."""

import concurrent.futures
import dataclasses
import logging
import time
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
      refused: recordings without times and why, by name.
      seconds: length of what was aligned, by name; only of recordings that this call read.
    """

    times: dict[str, tuple[SpokenWord, ...]]
    refused: dict[str, str]
    seconds: dict[str, float]


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
    seconds: dict[str, float] = {}
    vocabulary = pronounced(word for item in todo for word in item.words)
    progress = Progress("aligning", len(todo))
    kept = time.monotonic()
    try:
        with workers.pool(processes, _start, vocabulary) as executor:
            futures = {executor.submit(_align, item): item.name for item in todo}
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                name = futures[future]
                times[name], refusal, seconds[name] = future.result()
                if refusal:
                    refused[name] = refusal
                if not times[name]:
                    del times[name]
                progress.update(done)
                if time.monotonic() - kept > _KEEP_EVERY_S:
                    write_word_times(file, times)
                    kept = time.monotonic()
    finally:
        write_word_times(file, times)
    return AlignedCorpus(times, refused, seconds)


def _is_done(item: SpeechRecording, words: tuple[SpokenWord, ...]) -> bool:
    return sorted(word.word for word in words) == sorted(item.words)


_worker: dict[str, Aligner] = {}


def _start(vocabulary: dict[str, Ways]) -> None:
    _worker["aligner"] = Aligner(vocabulary)


def _align(item: SpeechRecording) -> tuple[tuple[SpokenWord, ...], str, float]:
    """The words of a recording, what speaks against it as a whole, its length in seconds."""
    try:
        pcm = read_wav(item.path, RATE_HZ)
    except KwsError as error:
        return (), str(error), 0.0
    length_s = len(pcm) / RATE_HZ
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
        lost = item.words[len(placed) :]
        refusal = refusal or f"the transcript does not fit from {start_s:.1f} s on, {len(lost):,} words have no times"
        words += [
            SpokenWord(round(start_s, 3), max(round(length_s, 3), start_s + 0.001), word, UNPLACED) for word in lost
        ]
    return tuple(words), refusal, length_s
