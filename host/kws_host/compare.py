"""Integer by integer: what a device computed against what the reference computes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Step

from kws_host.device import Recording


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """The first integer that differs.

    Attributes:
      step: index of the step.
      stage: ``audio``, ``features``, ``state NAME``, ``scores`` or ``detection``.
      what: which integer of the stage, for people.
      device: the device's value.
      reference: the reference's value.
    """

    step: int
    stage: str
    what: str
    device: str
    reference: str

    def __str__(self) -> str:
        return f"step {self.step}, stage {self.stage}: {self.what}: device {self.device}, reference {self.reference}"


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


def _row(step: int, stage: str, names: Sequence[str], device: np.ndarray, reference: np.ndarray) -> list[Mismatch]:
    if len(device) != len(reference):
        return [Mismatch(step, stage, "count", str(len(device)), str(len(reference)))]
    return [
        Mismatch(step, stage, names[index], str(device[index]), str(reference[index]))
        for index in np.flatnonzero(device != reference)
    ]


def compare(bundle: Bundle, recording: Recording, reference: Sequence[Step]) -> Comparison:
    """Compares one recording in the order of computation: audio, features, states (when digested), scores, detection.

    Args:
      bundle: gives names.
      recording: what the device sent, with features, and digests or not.
      reference: the reference's steps, with state CRCs when the recording has digests.
    """
    found: list[Mismatch] = []
    integers = 0
    coefficients = bundle.frontend.coefficients
    feature_names = [
        f"frame {index // coefficients} coefficient {index % coefficients}"
        for index in range(bundle.frames_per_step * coefficients)
    ]
    score_names = [f"label {label}" for label in bundle.labels]
    state_names = [state.name for state in bundle.states]
    digests = {digest.step: digest.crcs for digest in recording.digests}
    events = {event.step: (event.label, event.smoothed_q15) for event in recording.detections}
    for seen, wanted in zip(recording.steps, reference, strict=False):
        step = wanted.index
        if seen.audio_crc != wanted.audio_crc:
            values = f"{seen.audio_crc:#010x}", f"{wanted.audio_crc:#010x}"
            found.append(Mismatch(step, "audio", "CRC of the PCM", *values))
        features = np.frombuffer(seen.features, np.int8)
        found += _row(step, "features", feature_names, features, wanted.features.reshape(-1))
        integers += 1 + len(features)
        if wanted.state_crcs:
            crcs = digests.get(step, ())
            integers += len(crcs)
            for name, crc, right in zip(state_names, crcs, wanted.state_crcs, strict=False):
                if crc != right:
                    found.append(Mismatch(step, f"state {name}", "CRC", f"{crc:#010x}", f"{right:#010x}"))
            if len(crcs) != len(wanted.state_crcs):
                found.append(Mismatch(step, "state", "count", str(len(crcs)), str(len(wanted.state_crcs))))
        scores = np.frombuffer(seen.scores, np.int8)
        found += _row(step, "scores", score_names, scores, wanted.scores.reshape(-1))
        top, wanted_top = (seen.top_label, seen.top_smoothed_q15), (wanted.top_label, wanted.top_smoothed_q15)
        if top != wanted_top:
            found.append(Mismatch(step, "detection", "top label", _event(bundle, top), _event(bundle, wanted_top)))
        event = events.pop(step, None)
        expected = wanted.detection and (wanted.detection.label, wanted.detection.smoothed_q15)
        integers += len(scores) + len(top) + 2
        if event != expected:
            found.append(Mismatch(step, "detection", "event", _event(bundle, event), _event(bundle, expected)))
    if len(recording.steps) != len(reference):
        step = min(len(recording.steps), len(reference))
        found.append(Mismatch(step, "audio", "number of steps", str(len(recording.steps)), str(len(reference))))
    for step, event in events.items():
        found.append(Mismatch(step, "detection", "event", _event(bundle, event), "none"))
    return Comparison(integers, len(found), found[0] if found else None)


def _event(bundle: Bundle, event: tuple[int, int] | None) -> str:
    if event is None:
        return "none"
    label = bundle.labels[event[0]] if event[0] < len(bundle.labels) else f"label {event[0]}"
    return f"{label} at {event[1]}/32768"
