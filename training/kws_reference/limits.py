"""What the firmware and its serial protocol (``host/PROTOCOL.md``) can carry of a bundle.

The sizes follow from the protocol's table. The generator refuses a bundle beyond them, the export says so at once, and
the firmware's sources hold the same rules as ``static_assert``.
"""

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.labels import MAX_NAME_BYTES
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES, NO_LABEL, Info, StateDigest, StepRecord
from kws_reference.protocol.wire import Number, Text, fields, fixed_bytes


def _largest(field_of_info: str) -> int:
    """Largest value of a number of INFO."""
    (kind,) = [field.kind for field in fields(Info) if field.name == field_of_info]
    assert isinstance(kind, Number)
    return kind.largest


STEP_BYTES = fixed_bytes(StepRecord)
"""STEP without scores and features; a byte for each of them follows."""
STATE_DIGEST_BYTES = fixed_bytes(StateDigest)
"""STATE_DIGEST without digests; four bytes for each state follow."""
MAX_STATES = (MAX_PAYLOAD_BYTES - STATE_DIGEST_BYTES) // 4
MAX_LABELS = min(_largest("label_count"), NO_LABEL)
MAX_FRAMES_PER_STEP = _largest("frames_per_step")
MAX_COEFFICIENTS = _largest("feature_count")
MAX_TEXT_BYTES = Text.length.largest
"""UTF-8 bytes of a bundle's name: what a text of the protocol holds. Names of labels and states are shorter."""
MAX_SAMPLE_RATE_HZ = 2**31 - 1
"""An ``int`` of the front end."""


def step_payload_bytes(labels: int, frames_per_step: int, coefficients: int) -> int:
    """Bytes of a STEP message that carries scores and features."""
    return STEP_BYTES + labels + frames_per_step * coefficients


def _name_fault(what: str, text: str, limit: int) -> str | None:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return f"{what} {text!r} is no valid Unicode text"
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        return f"{what} {text!r} holds a control character"
    if size > limit:
        return f"{what} may have up to {limit} bytes of UTF-8, {text[:20]!r}... has {size}"
    return None


def faults(bundle: Bundle) -> list[str]:
    """What keeps a bundle from the firmware, one clause each; empty for most bundles."""
    labels, states, frames = len(bundle.labels), len(bundle.states), bundle.frames_per_step
    coefficients = bundle.frontend.coefficients
    found = []
    for what, value, limit in (
        ("labels", labels, MAX_LABELS),
        ("states", states, MAX_STATES),
        ("frames per step", frames, MAX_FRAMES_PER_STEP),
        ("coefficients", coefficients, MAX_COEFFICIENTS),
        ("a sample rate in Hz", bundle.frontend.sample_rate_hz, MAX_SAMPLE_RATE_HZ),
    ):
        if value > limit:
            found.append(f"{what}: {value}, at most {limit} can be carried")
    size = step_payload_bytes(labels, frames, coefficients)
    if size > MAX_PAYLOAD_BYTES:
        found.append(
            f"a STEP message would have {size} bytes ({STEP_BYTES} + {labels} labels + {frames} frames of "
            f"{coefficients} features), a payload holds {MAX_PAYLOAD_BYTES}{_advice(labels, coefficients)}"
        )
    names = [("the bundle's name", bundle.name, MAX_TEXT_BYTES)]
    names += [("a label", label, MAX_NAME_BYTES) for label in bundle.labels]
    names += [("a state's name", state.name, MAX_NAME_BYTES) for state in bundle.states]
    return found + [fault for name in names if (fault := _name_fault(*name))]


def _advice(labels: int, coefficients: int) -> str:
    most = (MAX_PAYLOAD_BYTES - STEP_BYTES - labels) // coefficients
    return f": take at most {most} frames per step" if most >= 1 else ""


def check_firmware(bundle: Bundle) -> None:
    """Refuses a bundle that no firmware can carry.

    Raises:
      KwsError: names everything that is too large.
    """
    found = faults(bundle)
    if found:
        raise KwsError(f"no firmware can carry bundle {bundle.name!r}: {'; '.join(found)}. Export a smaller model.")
