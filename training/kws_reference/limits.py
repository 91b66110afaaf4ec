"""What the firmware and its serial protocol (``host/PROTOCOL.md``) can carry of a bundle: one table for all of the kit.

The generator refuses a bundle beyond these limits, the export says so at once. Tests compare each number with the
constants of the firmware's headers, and the firmware's sources hold the same rules as ``static_assert``.
"""

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

MAX_PAYLOAD_BYTES = 768
"""Of a frame: ``kws::kMaxPayloadBytes``."""
STEP_BYTES = 26
"""STEP without scores and features; a byte for each of them follows."""
STATE_DIGEST_BYTES = 5
"""STATE_DIGEST without digests; four bytes for each state follow."""
MAX_STATES = (MAX_PAYLOAD_BYTES - STATE_DIGEST_BYTES) // 4
MAX_LABELS = 255
"""Counted in a byte; 255 stands for "no label" in bulk files."""
MAX_FRAMES_PER_STEP = 255
"""Of INFO, where it is a byte."""
MAX_COEFFICIENTS = 255
"""Of INFO, where it is a byte."""
MAX_TEXT_BYTES = 255
"""UTF-8 bytes of a name, whose length is a byte."""
MAX_STATE_NAME_BYTES = 200
"""Layers are named after states: ``<state>.depthwise2``."""
MAX_SAMPLE_RATE_HZ = 2**31 - 1
"""An ``int`` of the front end."""
MAX_PROFILED_LAYERS = 64
"""Whose instructions BENCH can count: ``kws::app::Session::kMaxLayers``. Longer networks run, without that table."""


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
    names += [("a label", label, MAX_TEXT_BYTES) for label in bundle.labels]
    names += [("a state's name", state.name, MAX_STATE_NAME_BYTES) for state in bundle.states]
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
