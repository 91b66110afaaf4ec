"""What a model of some words learns from: recordings, synthetic voices that say the words, or both."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from kws_reference.audio.recordings import find_recordings
from kws_reference.cli.log import each_line_once
from kws_reference.errors import KwsError
from kws_reference.labels import UNKNOWN, Kind

from kws_training.data.clips import ClipSet, ClipSpec, FolderSpec, folder_label
from kws_training.data.load_clips import load_clips
from kws_training.data.noise_folders import load_noise_folders
from kws_training.data.text_to_speech import task

UNKNOWN_WORDS = 60  # that the voices say
FEWEST_VALIDATING = 20
"""Recordings of a keyword that validate without voices beside them: of fewer the best epoch is drawn by lot."""

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Folders to learn from.

    Attributes:
      recordings: in the official layout, large or small; None: voices alone.
      extra: further folders to train with.
      voices: folder of synthetic voices, which are made unless they are there; None: no voices.
      voices_clips: of each keyword; a tenth of them of each unknown word.
      noise: folders of everyday noise; a fifth of each class is kept for testing (`noise_folders`).
      spellings: further spellings by which the voices say a keyword.
    """

    recordings: Path | None = None
    extra: tuple[FolderSpec, ...] = ()
    voices: Path | None = None
    voices_clips: int = 300
    noise: tuple[Path, ...] = ()
    spellings: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks what can be checked without reading anything.

        Raises:
          KwsError: neither recordings nor voices, or less than a clip of each word.
        """
        if self.voices_clips < 1:
            raise KwsError(f"--voices-clips must be at least 1. Received: {self.voices_clips}.")
        if self.recordings is None and self.voices is None:
            raise KwsError("nothing to train with. Give --data FOLDER, --voices, or both.")
        if self.spellings and self.voices is None:
            raise KwsError("--pronounce tells the voices how to say a label. Give --voices too.")

    def without_speakers(self, speakers: frozenset[str]) -> "TrainingData":
        """The same but for clips that these people say in ``extra``."""
        extra = tuple(dataclasses.replace(folder, but_speakers=speakers) for folder in self.extra)
        return dataclasses.replace(self, extra=extra)


def load_training_data(data: TrainingData, words: tuple[str, ...], seed: int) -> tuple[ClipSet, ClipSet]:
    """Loads training and validation clips; makes synthetic voices first where they are missing.

    Recordings validate if there are any; beside them the voices that are kept for it, all of them where fewer than
    `FEWEST_VALIDATING` recordings of a keyword do, the unknown words alone where no recording holds one.

    Args:
      data: folders.
      words: the keywords.
      seed: of the voices.

    Raises:
      KwsError: a folder is missing or holds nothing to learn from, or the voices cannot be made.
    """
    recordings, voices = data.recordings, data.voices
    if recordings and not recordings.is_dir():
        raise KwsError(
            f"{recordings}: no such folder. Download Speech Commands with kws-train fetch, or name your own."
        )
    if voices:
        log.info(f"synthetic voices: {voices}")
        clips = data.voices_clips
        task.speak_task(words, voices, clips, UNKNOWN_WORDS, -(-clips // 10), seed, data.spellings)
    if recordings and voices:
        to_train = (*data.extra, FolderSpec(voices, part="training"))
        recorded_unknown = any(
            folder_label(item.folder, words) == UNKNOWN for item in find_recordings(recordings).clips
        )
        spoken = FolderSpec(voices, part="validation")
        to_validate = () if recorded_unknown else (dataclasses.replace(spoken, unknown_only=True),)
    else:
        to_train, to_validate, spoken = data.extra, (), None
    main = recordings or voices
    log.info(f"reading {main}")
    with each_line_once():  # both splits have the same table
        training = load_clips(ClipSpec(main, "training", to_train, words))
        asked = ClipSpec(main, "validation", to_validate, words, unknown_percent=100.0)
        validation = load_clips(asked)
        if spoken and _fewest_of_a_keyword(validation) < FEWEST_VALIDATING:
            log.info(f"fewer than {FEWEST_VALIDATING} recordings of a label validate: voices do so beside them")
            validation = load_clips(dataclasses.replace(asked, folders=(spoken,)))
    if not (training.kinds == Kind.UNKNOWN).any():
        log.info(
            "no unknown words: the model will take every word for a keyword. Add folders of other words, or --voices."
        )
    noise = load_noise_folders(data.noise, "training")
    return dataclasses.replace(training, everyday_noise=noise), validation


def _fewest_of_a_keyword(clips: ClipSet) -> int:
    """Clips of the keyword that has the fewest."""
    kinds = clips.label_names.kinds
    return min(int((clips.labels == label).sum()) for label, kind in enumerate(kinds) if kind is Kind.KEYWORD)
