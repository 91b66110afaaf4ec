"""What ``kws-train export`` is asked to do."""

import dataclasses
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.data.clips import FolderSpec
from kws_training.quantize.calibration import CALIBRATION_CLIPS
from kws_training.quantize.precision import Precision

PTQ, DYNAMIC = "ptq", "dynamic"


@dataclasses.dataclass(frozen=True)
class ExportJob:
    """One export.

    Attributes:
      run: folder of a trained run.
      out: bundle folder.
      data: the recordings that the run was trained on, for calibration.
      extra: further folders that it was trained on.
      name: of the model; None: that of the bundle folder.
      note: provenance, in words.
      calibration_clips: how many training clips give the ranges of a float run.
      precision: what ``--precision`` says: `PTQ`, `DYNAMIC`, a `Precision`, or None: the run's own, else `PTQ`.
      allow_float: write the bundle though operators are left in float.
    """

    run: Path
    out: Path
    data: Path | None = None
    extra: tuple[FolderSpec, ...] = ()
    name: str | None = None
    note: str = ""
    calibration_clips: int = CALIBRATION_CLIPS
    precision: Precision | str | None = None
    allow_float: bool = False

    def __post_init__(self) -> None:
        """Checks the number of clips.

        Raises:
          KwsError: it is below 1.
        """
        if self.calibration_clips < 1:
            raise KwsError(f"--calibration-clips must be at least 1. Received: {self.calibration_clips}.")

    @property
    def precision_name(self) -> str | None:
        """What ``--precision`` says."""
        return self.precision.name if isinstance(self.precision, Precision) else self.precision
