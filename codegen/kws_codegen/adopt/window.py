"""A model that takes a whole window of frames, given the frames of a step: the others are a state."""

from kws_reference.errors import KwsError
from kws_reference.tflite.schema import generated

from kws_codegen.adopt.draft import Draft
from kws_codegen.adopt.variables import DraftState

STATE = "frames"


def slide(draft: Draft, features: int, frames_per_step: int) -> tuple[int, DraftState]:
    """Keeps the frames of earlier steps as a state.

    Args:
      features: the input, ``[1, frames, 1, coefficients]``, which is computed from then on.
      frames_per_step: frames that a step brings, fewer than the model takes.

    Returns:
      The new input ``[1, frames_per_step, 1, coefficients]``, and the state. Its rows are real zeros at first.

    Raises:
      KwsError: the model takes no more frames than that.
    """
    _, frames, _, coefficients = draft.shape(features)
    kept = frames - frames_per_step
    if kept < 1 or frames_per_step < 1:
        raise KwsError(f"a step of {frames_per_step} frames needs a model that takes more. Received: {frames} frames.")
    fresh = draft.like(features, "features", (1, frames_per_step, 1, coefficients))
    source = draft.like(features, f"{STATE}_in", (1, kept, 1, coefficients))
    sink = draft.like(features, f"{STATE}_out", (1, kept, 1, coefficients))
    join, cut = generated.ConcatenationOptionsT(), generated.StridedSliceOptionsT()
    join.axis, cut.beginMask, cut.endMask = 1, 0b1101, 0b1111
    draft.add("CONCATENATION", [source, fresh], features, join, at=0)
    bounds = [draft.integers(f"{STATE}/{name}", values) for name, values in _bounds(frames_per_step, frames).items()]
    draft.add("STRIDED_SLICE", [features, *bounds], sink, cut, at=1)
    quantization = draft.quantization(features)
    return fresh, DraftState(STATE, source, sink, quantization[1] if quantization else 0)


def _bounds(first: int, last: int) -> dict[str, list[int]]:
    return {"begin": [0, first, 0, 0], "end": [0, last, 0, 0], "strides": [1, 1, 1, 1]}
