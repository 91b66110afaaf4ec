"""The recordings of speech that are asked for, and the times of their words."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from kws_reference.errors import KwsError

from kws_training.data.speech.corpus import Fold, SpeechCorpus, SpeechRecording, speech_corpus, split_speakers
from kws_training.data.speech.word_times import SpokenWord, find_word_times

log = logging.getLogger(__name__)

SpeakersOf = Literal["all", "training", "validation"]


@dataclasses.dataclass(frozen=True)
class SpeechFolder:
    """A folder of recordings, and which of them to hear.

    Attributes:
      path: the folder.
      speakers: all, or by `split_speakers` those that train or those that validate.
      fold: by which `split_speakers` divides them, or None.
      word_times: table of the times of words; None: the folder's own, if it has one.
      use_word_times: whether times of words are used at all; False: transcripts alone.
    """

    path: Path
    speakers: SpeakersOf = "all"
    word_times: Path | None = None
    use_word_times: bool = True
    fold: Fold | None = None

    def corpus(self) -> SpeechCorpus:
        """The recordings of the speakers.

        Raises:
          KwsError: see `speech_corpus`; or nobody is left.
        """
        corpus = speech_corpus(self.path)
        if self.speakers == "all":
            return corpus
        split = split_speakers(corpus, self.fold)
        found = corpus.of_speakers(getattr(split, self.speakers))
        if not found.recordings:
            raise KwsError(
                f"{self.path} has no speakers for {self.speakers}: it has {len(corpus.speakers)} in all. Leave out "
                "--speakers."
            )
        log.info(f"{self.path}: speakers for {self.speakers}: {', '.join(found.speakers)}")
        return found


def speech_of(folders: Sequence[SpeechFolder]) -> tuple[list[SpeechRecording], dict[str, Sequence[SpokenWord]]]:
    """All recordings, and the times of their words by the recording's name.

    With more than one folder the names begin with the folder's number, so that no two are the same.

    Raises:
      KwsError: see `SpeechFolder.corpus` and `find_word_times`; or a table of word times names none of the recordings.
    """
    recordings: list[SpeechRecording] = []
    times: dict[str, Sequence[SpokenWord]] = {}
    for number, folder in enumerate(folders, 1):
        found = folder.corpus().recordings
        spoken = find_word_times(folder.path, folder.word_times) if folder.use_word_times else {}
        if folder.word_times and not any(item.name in spoken for item in found):
            raise KwsError(
                f"{folder.word_times} names none of the recordings of {folder.path}; the first is {found[0].name}. "
                "Give the table that kws-train cut wrote for this folder."
            )
        prefix = f"{number}:" if len(folders) > 1 else ""
        recordings += [dataclasses.replace(item, name=prefix + item.name) for item in found]
        times |= {prefix + item.name: spoken[item.name] for item in found if item.name in spoken}
    return recordings, times
