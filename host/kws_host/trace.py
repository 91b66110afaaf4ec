"""What one side computed for one recording, in a form that is the same for devices, bulk files and the reference.

A trace holds the results of every step, stage by stage in the order of computation; `kws_host.compare` compares two.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.detector.integer import ONE_Q15
from kws_reference.frontend import kinds
from kws_reference.protocol.messages import NO_LABEL

from kws_host.bulk import BulkResults
from kws_host.device import Run
from kws_host.label_names import name_of
from kws_host.layers import order_of_states

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Step


@dataclasses.dataclass(frozen=True)
class Stage:
    """The results of one stage, of all steps.

    Attributes:
      name: ``audio``, ``front end``, ``features``, ``state``, ``scores`` or ``detection``.
      values: int64 ``[steps, values]``.
      counts: int64 ``[steps]``, how many values a step really gave; where they are too few or too many, its row of
        `values` says nothing.
      places: of each value the stage (of a state with the state's name) and what it is, for people.
      integers: of the pipeline that one value stands for: 2 for a label with its posterior, 0 for a digest of what
        lies between them.
      text: how a value is written.
    """

    name: str
    values: np.ndarray
    counts: np.ndarray
    places: tuple[tuple[str, str], ...]
    integers: int = 1
    text: Callable[[int], str] = str


@dataclasses.dataclass(frozen=True)
class Trace:
    """One side's results of one recording.

    Attributes:
      steps: how many there are.
      stages: in the order of computation.
      late_events: step and text of each detection behind the last step, where there can be none.
    """

    steps: int
    stages: tuple[Stage, ...]
    late_events: tuple[tuple[int, str], ...] = ()


def of_run(bundle: Bundle, run: Run, *, digests: bool = False, frontend_digests: bool = False) -> Trace:
    """What a device sent.

    Args:
      bundle: gives names and sizes.
      run: with features.
      digests: whether it was asked for digests of its states.
      frontend_digests: whether it was asked for digests of the front end's stages.
    """
    steps = run.steps
    events = {event.step: _event(event.label, event.smoothed_q15) for event in run.detections}
    crcs = {digest.step: digest.crcs for digest in run.digests}
    of_frontend = {digest.step: digest.crcs for digest in run.frontend_digests}
    stages = [
        _audio([step.audio_crc for step in steps]),
        *([_frontend(bundle, [of_frontend.get(step.step, ()) for step in steps])] if frontend_digests else []),
        _features(bundle, [np.frombuffer(step.features, np.int8) for step in steps]),
        *([_states(bundle, [crcs.get(step.step, ()) for step in steps])] if digests else []),
        _scores(bundle, [np.frombuffer(step.scores, np.int8) for step in steps]),
        _detection(
            bundle,
            {
                "top label": [_event(step.top_label, step.top_smoothed_q15) for step in steps],
                "event": [events.get(step.step, _NO_EVENT) for step in steps],
            },
        ),
    ]
    end = steps[0].step + len(steps) if steps else 0
    late = ((step, _event_text(bundle, event)) for step, event in events.items() if step >= end)
    return Trace(len(steps), tuple(stages), tuple(late))


def of_steps(
    bundle: Bundle, steps: Sequence["Step"], *, digests: bool = False, frontend_digests: bool = False
) -> Trace:
    """What the reference computed, to be compared with `of_run`.

    Args:
      bundle: gives names and sizes.
      steps: of the reference, with digests of the states if they are to be compared.
      digests: whether they are.
      frontend_digests: whether digests of the front end's stages are.
    """
    stages = [
        _audio([step.audio_crc for step in steps]),
        *([_frontend(bundle, [step.frontend_crcs for step in steps])] if frontend_digests else []),
        _features(bundle, [step.features.reshape(-1) for step in steps]),
        *([_states(bundle, [step.state_crcs for step in steps])] if digests else []),
        _scores(bundle, [step.scores.reshape(-1) for step in steps]),
        _detection(
            bundle,
            {
                "top label": [_event(step.top_label, step.top_smoothed_q15) for step in steps],
                "event": [
                    _event(step.detection.label, step.detection.smoothed_q15) if step.detection else _NO_EVENT
                    for step in steps
                ],
            },
        ),
    ]
    return Trace(len(steps), tuple(stages))


def of_bulk(bundle: Bundle, results: BulkResults) -> Trace:
    """What a bulk run wrote down, or the reference in its place: of features a CRC, no audio, no states."""
    events = [_event(int(label), int(smoothed)) for label, smoothed in results.events]
    stages = (
        _stage("features", results.feature_crcs[:, None], [("features", "CRC")], text=_crc_text),
        _scores(bundle, results.scores),
        _detection(bundle, {"event": events}),
    )
    return Trace(len(results.scores), stages)


# --- stages ---


def _audio(crcs: Sequence[int]) -> Stage:
    return _stage("audio", [(crc,) for crc in crcs], [("audio", "CRC of the PCM")], text=_crc_text)


def _frontend(bundle: Bundle, rows: Sequence[Sequence[int]]) -> Stage:
    names = kinds.stages(bundle.frontend)
    return _stage("front end", rows, [(f"front end, {name}", "CRC") for name in names], integers=0, text=_crc_text)


def _features(bundle: Bundle, rows: Sequence[np.ndarray]) -> Stage:
    coefficients = bundle.frontend.coefficients
    count = bundle.frames_per_step * coefficients
    names = [f"frame {index // coefficients} coefficient {index % coefficients}" for index in range(count)]
    return _stage("features", rows, [("features", name) for name in names])


def _states(bundle: Bundle, rows: Sequence[Sequence[int]]) -> Stage:
    """In the order in which a step computes them, which need not be that of the tensors."""
    stage = _stage(
        "state", rows, [(f"state {state.name}", "CRC") for state in bundle.states], integers=0, text=_crc_text
    )
    order = list(order_of_states(bundle))
    return dataclasses.replace(stage, values=stage.values[:, order], places=tuple(stage.places[i] for i in order))


def _scores(bundle: Bundle, rows: Sequence[np.ndarray] | np.ndarray) -> Stage:
    return _stage("scores", rows, [("scores", f"label {label}") for label in bundle.labels])


def _detection(bundle: Bundle, columns: Mapping[str, Sequence[int]]) -> Stage:
    """Args: columns: what each is called, and its events."""
    places = [("detection", name) for name in columns]
    rows = list(zip(*columns.values(), strict=True))
    return _stage("detection", rows, places, integers=2, text=lambda event: _event_text(bundle, event))


def _stage(
    name: str,
    rows: np.ndarray | Sequence[Sequence[int]] | Sequence[np.ndarray],
    places: Sequence[tuple[str, str]],
    *,
    integers: int = 1,
    text: Callable[[int], str] = str,
) -> Stage:
    values = np.zeros((len(rows), len(places)), np.int64)
    counts = np.array([len(row) for row in rows], np.int64)
    if (counts == len(places)).all():
        values[:] = np.asarray(rows, np.int64).reshape(values.shape)
    else:
        for row, value in zip(rows, values, strict=True):
            if len(row) == len(places):
                value[:] = row
    return Stage(name, values, counts, tuple(places), integers, text)


# --- values: an event is a label and its smoothed posterior in one number ---


def _event(label: int, smoothed_q15: int) -> int:
    return label << 16 | smoothed_q15


_NO_EVENT = _event(NO_LABEL, 0)


def _event_text(bundle: Bundle, event: int) -> str:
    if event == _NO_EVENT:
        return "none"
    label, smoothed_q15 = event >> 16, event & 0xFFFF
    name = name_of(bundle.labels, label)
    return f"{name} at {smoothed_q15}/{ONE_Q15}"


def _crc_text(crc: int) -> str:
    return f"{crc:#010x}"
