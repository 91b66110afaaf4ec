"""How a model is trained, in numbers."""

import dataclasses
import math
from typing import Any

from kws_reference.errors import KwsError

from kws_training.data.augment_config import AugmentConfig
from kws_training.hyperparameters import hyperparameter


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Numbers of a training; each field says what it is.

    Sources: AdamW, I. Loshchilov, F. Hutter, arXiv:1711.05101; mixup, H. Zhang et al., arXiv:1710.09412; the teacher's
    soft labels of augmented clips, L. Beyer et al., "A good teacher is patient and consistent", arXiv:2106.05237.

    Attributes:
      stage_steps: steps of stages that have a constant learning rate each, in the place of `epochs`, `learning_rate`
        and `warmup_steps`; the last epoch ends with the last step.
      stage_rates: the learning rate of each stage.
      augment: what an epoch consists of.
    """

    epochs: int = hyperparameter(60, "passes over an epoch's plan (AugmentConfig)", "EPOCHS")
    batch: int = hyperparameter(128, "clips per step")
    learning_rate: float = hyperparameter(
        3e-3, "peak, reached after warmup_steps and lowered to zero along a cosine", "RATE"
    )
    warmup_steps: int = hyperparameter(200, "steps of linear growth; at most a tenth of all steps")
    weight_decay: float = hyperparameter(2e-3, "of AdamW")
    label_smoothing: float = hyperparameter(0.05, "share of the target that is spread over all labels")
    dropout: float = hyperparameter(0.1, "before the classifier")
    mixup: float = hyperparameter(0.0, "a of the Beta(a, a) that mixes each clip with another; 0 mixes none")
    weight_averaging: float = hyperparameter(
        0.0,
        "decay, for each step, of the moving average of the weights that is validated and kept; 0 keeps the weights "
        "themselves",
    )
    distillation: float = hyperparameter(
        0.9, "share of the target that is the teacher's soft label of the same, augmented clip; only with a teacher"
    )
    distinct_epochs: int = hyperparameter(
        0, "epochs after so many hear the same augmented clips again, in another order; 0: never", "EPOCHS"
    )
    augment_seed: int = hyperparameter(-1, "seed of the augmented clips; -1 takes the run's seed", "SEED")
    frozen_blocks: int = hyperparameter(
        0, "first blocks of the run to start from that stay as they are, their batch normalisation's averages too"
    )
    stage_steps: tuple[int, ...] = ()
    stage_rates: tuple[float, ...] = ()
    augment: AugmentConfig = AugmentConfig()

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        if self.epochs < 1 or self.batch < 1 or not 0 < self.learning_rate < math.inf:
            raise KwsError(
                f"epochs and batch must be at least 1, learning rate above 0 and finite. "
                f"Received: {self.epochs}, {self.batch}, {self.learning_rate}."
            )
        shares = {"label_smoothing": 1, "dropout": 1, "weight_averaging": 1}
        for name, high in {**shares, "mixup": 10, "weight_decay": math.inf}.items():
            if not 0 <= getattr(self, name) < high:
                raise KwsError(f"{name} must be 0 or more and below {high}. Received: {getattr(self, name)}")
        if not 0 <= self.distillation <= 1 or self.distinct_epochs < 0 or self.frozen_blocks < 0:
            raise KwsError(
                f"distillation must be 0 to 1, distinct_epochs and frozen_blocks 0 or more. "
                f"Received: {self.distillation}, {self.distinct_epochs}, {self.frozen_blocks}."
            )
        if len(self.stage_steps) != len(self.stage_rates) or any(steps < 1 for steps in self.stage_steps):
            raise KwsError(
                f"every stage needs its steps and its rate. Received: {self.stage_steps} and {self.stage_rates}."
            )

    def to_dict(self) -> dict[str, Any]:
        """As a record holds it."""
        return {**dataclasses.asdict(self), "augment": self.augment.to_dict()}

    def augment_seed_of(self, seed: int) -> int:
        """The seed of the augmented clips in a run of this seed."""
        return seed if self.augment_seed < 0 else self.augment_seed
