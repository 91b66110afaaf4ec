"""The ends of a model: int8 features as rows of frames, int8 scores of one row, whatever type they had."""

from kws_reference.errors import KwsError
from kws_reference.tflite.schema import generated

from kws_codegen.adopt.draft import Draft, numbers

_LIKE_INT8 = {"INT8": 0, "UINT8": 128}
_INT16_STEPS = 256
"""Steps of int16 in one of int8, at ends of int16: the whole range of one type is that of the other."""
_OF_PROBABILITIES = (1 / 32768, 0)
"""Scale and zero point of what a SOFTMAX or a LOGISTIC gives as int16: only the upper half of the range."""


def int8_input(draft: Draft, index: int) -> int:
    """The int8 tensor that a model makes of its input first: a QUANTIZE in front is taken out.

    Of an int16 input a QUANTIZE in front makes an int8 one: the front end gives int8 features.

    Args:
      index: tensor of the input.

    Raises:
      KwsError: the input is of another type and nothing makes int8 or int16 of it at once.
    """
    if draft.dtype(index) == "INT8":
        return index
    if draft.dtype(index) == "INT16":
        return _of_int8(draft, index)
    readers = draft.consumers(index)
    made = [numbers(op.outputs)[0] for op in readers if draft.kind(op) == "QUANTIZE"]
    if len(readers) != 1 or len(made) != 1 or draft.dtype(made[0]) not in ("INT8", "INT16"):
        raise KwsError(
            f"the input {draft.name(index)} has type {draft.dtype(index)}: the front end gives int8 features. Convert "
            "the model with int8 inputs."
        )
    draft.drop(readers[0])
    draft.notes.append(f"input: {draft.dtype(index)} {draft.name(index)} and its QUANTIZE left out")
    return made[0] if draft.dtype(made[0]) == "INT8" else _of_int8(draft, made[0])


def _of_int8(draft: Draft, index: int) -> int:
    """A new int8 tensor of which a QUANTIZE makes an int16 input."""
    scale, _ = _int16_steps(draft, "input", index)
    made = draft.like(index, "features", draft.shape(index), as_int8=(scale * _INT16_STEPS, 0))
    draft.add("QUANTIZE", [made], index, at=0)
    draft.notes.append(f"input: a QUANTIZE makes INT16 {draft.name(index)} of INT8, {_INT16_STEPS} steps of one")
    return made


def _int16_steps(draft: Draft, what: str, index: int) -> tuple[float, int]:
    """Scale and zero point of an int16 end.

    Raises:
      KwsError: it has not one scale, or another zero point than 0.
    """
    found = draft.quantization(index)
    if found is None or found[1] != 0:
        raise KwsError(f"the {what} {draft.name(index)} is INT16 without one scale and the zero point 0.")
    return found


def int8_output(draft: Draft, index: int) -> tuple[int, float | None]:
    """The int8 tensor of which a model makes its output last: a QUANTIZE or DEQUANTIZE at the end is taken out.

    A QUANTIZE behind it makes int8 of an int16 output: the detector takes int8 scores.

    Returns:
      The tensor, and the scale of the int16 output that it is made of, or None.

    Raises:
      KwsError: the output is no int8 tensor, nor one in another form.
    """
    if draft.dtype(index) == "INT8":
        return index, None
    if draft.dtype(index) == "INT16":
        return _to_int8(draft, index)
    last = draft.producer(index)
    kind = draft.kind(last) if last is not None else "no operator"
    if last is None or kind not in ("QUANTIZE", "DEQUANTIZE") or draft.consumers(index):
        raise KwsError(
            f"the output {draft.name(index)} has type {draft.dtype(index)}, made by {kind}: the detector takes int8 "
            "scores. Convert the model with int8 outputs."
        )
    source = numbers(last.inputs)[0]
    is_int16 = draft.dtype(source) == "INT16" and kind == "DEQUANTIZE"
    if not is_int16 and draft.dtype(source) != "INT8" or (kind == "QUANTIZE" and not _same_steps(draft, source, index)):
        raise KwsError(
            f"the output {draft.name(index)} is {draft.dtype(source)} {draft.quantization(source)} in other steps "
            f"({draft.dtype(index)} {draft.quantization(index)}): the scores would not be the same."
        )
    draft.drop(last)
    draft.notes.append(f"output: {draft.dtype(index)} {draft.name(index)} and its {kind} left out")
    return _to_int8(draft, source) if is_int16 else (source, None)


def _to_int8(draft: Draft, index: int) -> tuple[int, float]:
    """A new int8 tensor that a QUANTIZE makes of an int16 output, and that one's scale."""
    found = _int16_steps(draft, "output", index)
    probabilities = found == _OF_PROBABILITIES and is_probability(draft, index)
    steps = (1 / 256, -128) if probabilities else (found[0] * _INT16_STEPS, 0)
    made = draft.like(index, "scores", draft.shape(index), as_int8=steps)
    draft.add("QUANTIZE", [index], made)
    draft.notes.append(
        f"output: a QUANTIZE makes INT8 of INT16 {draft.name(index)}, {round(steps[0] / found[0])} steps to one"
    )
    return made, found[0]


def _same_steps(draft: Draft, source: int, target: int) -> bool:
    """Whether two tensors hold the same numbers, in bytes with and without a sign."""
    a, b = draft.quantization(source), draft.quantization(target)
    offset = _LIKE_INT8.get(draft.dtype(target))
    return a is not None and b is not None and offset is not None and a[0] == b[0] and a[1] + offset == b[1]


def is_probability(draft: Draft, scores: int) -> bool:
    """Whether scores come out of a SOFTMAX or a LOGISTIC, shapes and types aside."""
    op = draft.producer(scores)
    while op is not None and draft.kind(op) in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE"):
        op = draft.producer(numbers(op.inputs)[0])
    return op is not None and draft.kind(op) in ("SOFTMAX", "LOGISTIC")


def rows_of(draft: Draft, features: int, coefficients: int) -> int:
    """Frames that a model's input holds, one behind the other.

    Raises:
      KwsError: it is no whole number of frames, or has the coefficients of one frame apart from each other.
    """
    shape = draft.shape(features)
    axes = [size for size in shape if size != 1]
    size = 1
    for n in axes:
        size *= n
    frames = size // coefficients
    if shape[:1] != (1,):
        raise KwsError(f"the input {list(shape)} holds a batch: export the model with a batch of 1.")
    if size % coefficients:
        raise KwsError(
            f"the input {list(shape)} holds no whole frames of {coefficients} features: give the model's own front end "
            "(--frontend FILE with its number of coefficients)."
        )
    if frames > 1 and axes[-1] not in (coefficients, size):
        raise KwsError(
            f"the input {list(shape)} has the {coefficients} features of a frame apart: give them behind each other, "
            f"[1, {frames}, {coefficients}]."
        )
    return frames


def reshaped(draft: Draft, source: int, name: str, shape: tuple[int, ...], *, first: bool) -> int:
    """A tensor of the same elements in another shape: read instead of `source`, or made of it.

    Args:
      source: of the model.
      first: the new tensor comes in and `source` is made of it; else it is made of `source`.
    """
    if draft.shape(source) == shape:
        return source
    made = draft.like(source, name, shape)
    bounds = draft.integers(f"{name}/shape", list(draft.shape(source) if first else shape))
    if first:
        draft.add("RESHAPE", [made, bounds], source, generated.ReshapeOptionsT(), at=0)
    else:
        draft.add("RESHAPE", [source, bounds], made, generated.ReshapeOptionsT())
    return made
