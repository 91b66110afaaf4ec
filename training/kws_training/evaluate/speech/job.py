"""What ``kws-train evaluate --speech`` is asked to do."""

import dataclasses
from pathlib import Path

from kws_training.evaluate.clip_sets import SetSource
from kws_training.evaluate.metrics import CONFIDENCE
from kws_training.evaluate.speech.clips import DEFAULT_PER_KEYWORD
from kws_training.evaluate.speech.folders import SpeechFolder

DEFAULT_PER_HOUR = 2.0
"""False accepts per hour that thresholds are chosen for."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A detector to set beside the others: smoothing window in seconds, and one threshold for all keywords, 0..1."""

    smoothing_s: float
    threshold: float

    @property
    def name(self) -> str:
        """For tables and files."""
        return f"{self.smoothing_s:g} s, {self.threshold:g}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Thresholds to choose.

    Attributes:
      per_hour: false accepts per hour that all keywords together may raise, > 0; None: `DEFAULT_PER_HOUR`, or as few as
        this speech can tell.
      confidence: of the number of false accepts at the lowest threshold, which tells how many are expected above, 0..1.
      extra: a folder of further clips, such as voices; its validation split.
      write: whether they are written into the bundle.
    """

    per_hour: float | None = None
    confidence: float = CONFIDENCE
    extra: Path | None = None
    write: bool = False


@dataclasses.dataclass(frozen=True)
class SpeechJob:
    """An evaluation on running speech.

    Attributes:
      bundles: folders of one, or of several (folds), of which the first that was not trained on a speaker hears him.
      name: of the set, for titles and files.
      speech: folders of recordings, and which speakers of them.
      out: folder for the results.
      clips: keyword clips for recall, or None.
      per_keyword: at most so many of them for each keyword.
      settings: further detectors.
      choice: by what thresholds are chosen; None: none are.
      scores: a folder that keeps scores, or None.
      noise: folders of noise, of which the part that is kept for testing is heard.
      near_silence: whether textures of near-silence are heard.
      disturbances: through which the speech is heard once more.
      trained_on: JSON that tells on whom bundles were trained whose manifests do not, or None.
      moments: how many of the worst moments are listed.
      moment_clips: folder for their sound, or None.
    """

    bundles: tuple[Path, ...]
    name: str
    speech: tuple[SpeechFolder, ...]
    out: Path
    clips: SetSource | None = None
    per_keyword: int = DEFAULT_PER_KEYWORD
    settings: tuple[Setting, ...] = ()
    choice: Choice | None = None
    scores: Path | None = None
    noise: tuple[Path, ...] = ()
    near_silence: bool = False
    disturbances: tuple[str, ...] = ()
    trained_on: Path | None = None
    moments: int = 100
    moment_clips: Path | None = None
