"""Integer by integer: what a device computed against what the reference computes, for `check` and `evaluate` alike."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import Bundle

from kws_host import trace
from kws_host.device import Run
from kws_host.trace import Stage, Trace

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Step


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """The first integer that differs.

    Attributes:
      step: index of the step.
      stage: ``audio``, ``front end, STAGE``, ``features``, ``state NAME``, ``scores`` or ``detection``.
      what: which integer of the stage, for people.
      device: the device's value.
      reference: the reference's value.
      layers: those that can be at fault, for people; "" where none is or nobody has looked.
    """

    step: int
    stage: str
    what: str
    device: str
    reference: str
    layers: str = ""

    def __str__(self) -> str:
        text = f"step {self.step}, stage {self.stage}: {self.what}: device {self.device}, reference {self.reference}"
        return f"{text}; {self.layers}" if self.layers else text


class StepCountMismatch(Mismatch):
    """Every step that both sides have is equal, but one side has more of them."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Result for one recording.

    Attributes:
      integers: how many were compared.
      mismatches: how many of them differ.
      first: the first one in the order of computation, or None.
    """

    integers: int
    mismatches: int
    first: Mismatch | None

    def then(self, later: "Comparison", steps: int) -> "Comparison":
        """This one and that of what follows `steps` steps, as one."""
        first = self.first
        if first is None and later.first is not None:
            first = dataclasses.replace(later.first, step=steps + later.first.step)
        return Comparison(self.integers + later.integers, self.mismatches + later.mismatches, first)


def compare(device: Trace, reference: Trace) -> Comparison:
    """Compares two traces of one recording that have the same stages, step by step in the order of computation."""
    steps = min(device.steps, reference.steps)
    integers = mismatches = 0
    firsts: list[tuple[int, int, Mismatch]] = []  # step, order within the step, and the mismatch
    for order, (seen, wanted) in enumerate(zip(device.stages, reference.stages, strict=True)):
        integers += seen.integers * int(seen.counts[:steps].sum())
        miscounted = seen.counts[:steps] != wanted.counts[:steps]
        differs = (seen.values[:steps] != wanted.values[:steps]) & ~miscounted[:, None]
        mismatches += int(differs.sum() + miscounted.sum())
        wrong_steps = np.flatnonzero(differs.any(axis=1) | miscounted)
        if len(wrong_steps):
            step = int(wrong_steps[0])
            firsts.append((step, order, _mismatch(seen, wanted, step)))
    if device.steps != reference.steps:
        mismatches += 1
        lengths = str(device.steps), str(reference.steps)
        firsts.append((steps, len(device.stages), StepCountMismatch(steps, "audio", "number of steps", *lengths)))
    for step, event in device.late_events:
        mismatches += 1
        firsts.append((step, len(device.stages) + 1, Mismatch(step, "detection", "event", event, "none")))
    first = min(firsts, key=lambda item: item[:2])[2] if firsts else None
    return Comparison(integers, mismatches, first)


def _mismatch(seen: Stage, wanted: Stage, step: int) -> Mismatch:
    """The first one of a stage in a step that has one."""
    if seen.counts[step] != wanted.counts[step]:
        return Mismatch(step, seen.name, "count", str(seen.counts[step]), str(wanted.counts[step]))
    place = int(np.flatnonzero(seen.values[step] != wanted.values[step])[0])
    stage, what = seen.places[place]
    return Mismatch(step, stage, what, *(side.text(int(side.values[step, place])) for side in (seen, wanted)))


def compare_run(bundle: Bundle, run: Run, reference: Sequence["Step"]) -> Comparison:
    """Compares what a device sent with the reference: audio, features, scores, detections, and what is digested.

    Args:
      bundle: gives names.
      run: with features, and with digests or not.
      reference: the reference's steps, with CRCs of states and of the front end's stages when the run has them.
    """
    wanted = {
        "digests": any(step.state_crcs for step in reference),
        "frontend_digests": any(step.frontend_crcs for step in reference),
    }
    return compare(trace.of_run(bundle, run, **wanted), trace.of_steps(bundle, reference, **wanted))
