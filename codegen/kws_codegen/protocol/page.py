"""The protocol's table as the tables of ``host/PROTOCOL.md``.

Each stands between ``<!-- table: NAME -->`` and ``<!-- end -->``; all else of the page is written by hand.
"""

import re
from collections.abc import Callable, Iterable

from kws_reference import limits
from kws_reference.errors import KwsError
from kws_reference.labels import MAX_NAME_BYTES
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import (
    Counted,
    Described,
    Digest,
    Field,
    Kind,
    Message,
    Number,
    Rest,
    Text,
    fields,
    fixed_bytes,
)

_MARKED = re.compile(r"<!-- table: ([\w ]+) -->\n.*?<!-- end -->", re.DOTALL)
_BY_TYPE = {kind.TYPE: kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "TYPE")}
# Whose fields have a table of their own.
_LONG = (
    messages.Info,
    messages.Bench,
    messages.Stats,
    messages.Fault,
    messages.StepRecord,
    messages.Names,
    messages.SetDetector,
    messages.DetectorSettings,
)
_LETTERS = "nmk"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _kind(kind: Kind, letter: str = "n") -> str:
    match kind:
        case Number(name):
            return name
        case Digest(size):
            return f"{size} bytes"
        case Text():
            return "str"
        case Counted(item):
            return f"{_kind(item)} x {letter}"
        case Rest(item):
            return f"{_kind(item)} x n"
    raise AssertionError(kind)


def _constant(name: str) -> str:
    value = getattr(messages, name)
    return f"{value:#010X}".replace("0X", "0x") if name.endswith("_KEY") else str(value)


def _meaning(field: Field) -> str:
    if field.constant:
        return _constant(field.constant)
    if field.values is None or field.meaning:
        return field.meaning
    if len(field.values) > 3:
        return "see below"
    return "; ".join(f"{value.value} {value.meaning}" for value in field.values)


def _fields(message: type[Message]) -> str:
    """A row for each field, and for each count."""
    rows: list[tuple[str, str, str]] = []
    offset, counted = 0, ""  # bytes of known size, and " + n" for what counts announce
    letters = iter(_LETTERS)
    known = True  # false behind a text, whose length the page gives no letter
    for field in fields(message):
        where = f"{offset}{counted}" if known else "then"
        if isinstance(field.kind, Counted):
            letter = next(letters)
            rows.append((where, f"{letter} {field.kind.count.name}", f"count of {field.name}"))
            offset += field.kind.count.size
            where = f"{offset}{counted}"
            rows.append((where, f"{field.name} {_kind(field.kind, letter)}", _meaning(field)))
            size = field.kind.item.size if isinstance(field.kind.item, Number) else 0
            counted += f" + {letter}" if size == 1 else f" + {size} x {letter}"
            continue
        rows.append((where, f"{field.name} {_kind(field.kind)}", _meaning(field)))
        if isinstance(field.kind, Number | Digest):
            offset += field.kind.size
        else:
            known = False
    return _table(("Offset", "Field", "Meaning"), rows)


def _payload(kind: MessageType) -> str:
    """A payload in one cell."""
    message = _BY_TYPE.get(kind)
    if message is None:
        return "-"
    if message in _LONG:
        return "below"
    parts = []
    for field in fields(message):
        if isinstance(field.kind, Counted):
            parts.append(f"n {field.kind.count.name}")
        value = f" = {_constant(field.constant)}" if field.constant else ""
        parts.append(f"{field.name} {_kind(field.kind)}{value}")
    return ", ".join(parts)


def _requests() -> str:
    rows = []
    for kind in [kind for kind in MessageType if kind < 0x80]:
        answer = messages.ANSWERS.get(kind)
        answer_text = f"0x{answer.value:02X} {answer.name}" if answer else "none; HELLO follows"
        rows.append((f"0x{kind.value:02X}", kind.name, _payload(kind), answer_text, kind.meaning))
    return _table(("Type", "Request", "Payload", "Answer", "Meaning"), rows)


def _device_messages(types: Iterable[MessageType]) -> str:
    rows = ((f"0x{kind.value:02X}", kind.name, _payload(kind), kind.meaning) for kind in types)
    return _table(("Type", "Message", "Payload", "Meaning"), rows)


def _values(values: type[Described]) -> str:
    rows = ((str(value.value), value.name, value.meaning) for value in values)
    return _table(("Value", "Name", "Meaning"), rows)


def _frame() -> str:
    header = _fields(messages.FrameHeader)
    size = fixed_bytes(messages.FrameHeader)
    rows = [
        (str(size), f"payload, 0 to {messages.MAX_PAYLOAD_BYTES} bytes", "as the type says"),
        (f"{size} + payload", "crc u32", "CRC-32 of everything before it"),
    ]
    return "\n".join([header, *_table(("",) * 3, rows).splitlines()[2:]])


def _numbers() -> str:
    frame = fixed_bytes(messages.FrameHeader) + messages.FRAME_CRC_BYTES
    rows = (
        ("Version of the protocol", str(messages.PROTOCOL_VERSION)),
        ("Largest payload", f"{messages.MAX_PAYLOAD_BYTES} bytes"),
        ("Smallest and largest frame, unstuffed", f"{frame} and {frame + messages.MAX_PAYLOAD_BYTES} bytes"),
        ("The host repeats a request that stays unanswered for", f"{messages.ANSWER_TIMEOUT_S:g} s"),
        ("The host gives up after sending it", f"{messages.REQUEST_ATTEMPTS} times"),
        ("Layers whose ticks BENCH can count", str(messages.MAX_PROFILED_LAYERS)),
    )
    return _table(("Number", "Value"), rows)


def _limits() -> str:
    step, digest, payload = limits.STEP_BYTES, limits.STATE_DIGEST_BYTES, messages.MAX_PAYLOAD_BYTES
    frames = (payload - step - 12) // 40
    names = "bytes, no control characters"
    rows = (
        (
            f"{step} + labels + frames per step x features of a frame",
            str(payload),
            f"STEP with features; 12 labels and 40 features: {frames} frames",
        ),
        ("labels", str(limits.MAX_LABELS), f'a byte; {messages.NO_LABEL} is "none" in bulk files'),
        ("frames per step, features of a frame", str(limits.MAX_FRAMES_PER_STEP), "bytes of INFO"),
        ("states", str(limits.MAX_STATES), f"STATE_DIGEST: {digest} + 4 x states is at most {payload}"),
        ("sample rate in Hz", str(limits.MAX_SAMPLE_RATE_HZ), "an `int` of the front end"),
        ("UTF-8 of the bundle's name", f"{limits.MAX_TEXT_BYTES} {names}", "`str`"),
        (
            "UTF-8 of a label, of a state's name",
            f"{MAX_NAME_BYTES} {names}",
            "labels name folders; layers are named after states",
        ),
    )
    return _table(("Of a bundle", "Limit", "From"), rows)


def _config() -> str:
    rows = ((str(bit.value.bit_length() - 1), bit.name or "", text) for bit, text in messages.CONFIG_MEANINGS.items())
    return _table(("Bit", "Name", "When set"), rows)


_TABLES: dict[str, Callable[[], str]] = {
    "numbers": _numbers,
    "frame": _frame,
    "requests": _requests,
    "answers": lambda: _device_messages(k for k in MessageType if 0x80 <= k < 0x90 or k == MessageType.ERROR),
    "events": lambda: _device_messages(
        k for k in MessageType if k == MessageType.FAULT or 0x90 <= k and k != MessageType.ERROR
    ),
    "configure bits": _config,
    "error codes": lambda: _values(messages.ErrorCode),
    "statuses": lambda: _values(messages.Status),
    "fault types": lambda: _values(messages.FaultType),
    "limits": _limits,
    **{kind.name: lambda message=message: _fields(message) for kind, message in _BY_TYPE.items()},  # type: ignore[misc]
}


def update(text: str) -> str:
    """Returns the page with every marked table as the protocol's table says.

    Raises:
      KwsError: a mark names no table.
    """

    def table(mark: re.Match[str]) -> str:
        name = mark.group(1)
        if name not in _TABLES:
            raise KwsError(f"host/PROTOCOL.md marks a table {name!r}. Known: {', '.join(_TABLES)}.")
        return f"<!-- table: {name} -->\n{_TABLES[name]()}\n<!-- end -->"

    return _MARKED.sub(table, text)
