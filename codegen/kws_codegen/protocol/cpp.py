"""The protocol's table as C++. Types and names become text here; the layout is the templates' alone."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Counted, Digest, Field, Message, Number, Rest, Text, fields, fixed_bytes

from kws_codegen.render.environment import TEMPLATES, environment

TEMPLATES_OF_PROTOCOL = TEMPLATES / "protocol"

# Written from a struct; all other messages of the device are written from arguments.
STRUCTS = (messages.Info, messages.StepRecord, messages.DetectionRecord, messages.Bench, messages.Stats)
CALLS = (
    messages.Fault,
    messages.Credit,
    messages.Error,
    messages.Hello,
    messages.StateDigest,
    messages.FrontendDigest,
)
# So short that a call would cost more than the bytes; what FOLLOWS some of them is written one by one.
INLINE_CALLS = (messages.Configured, messages.Names, messages.Source, messages.DetectorSettings, messages.AudioHeard)
FOLLOWS = {
    messages.Names: "The names follow, each by String().",
    messages.DetectorSettings: "The levels follow, each by U16().",
    messages.AudioHeard: "The PCM follows, by Bytes().",
    messages.Audio: "The rest is the PCM.",
    messages.SetDetector: "The rest is the levels, u16 each.",
}
REQUESTS = (
    messages.Audio,
    messages.Configure,
    messages.GetBench,
    messages.GetDetector,
    messages.GetNames,
    messages.SetDetector,
    messages.SetSource,
)
# Enumerations that are the type of their field in C++; others are plain numbers there.
TYPED = (messages.ErrorCode,)
# Of which the firmware must know how much room is left for what is counted.
SIZED = (
    messages.StepRecord,
    messages.StateDigest,
    messages.Bench,
    messages.Names,
    messages.DetectorSettings,
    messages.AudioHeard,
)


@dataclasses.dataclass(frozen=True)
class Record:
    """Fields that the firmware holds in one struct, which it hands on whole.

    Attributes:
      type: of the struct.
      name: of the member or parameter.
      members: field of the message -> member of the struct.
    """

    type: str
    name: str
    members: dict[str, str]


RECORDS = {
    messages.Info: Record(
        "board::TickInfo",
        "clock",
        {"clock_kind": "kind", "tick_numerator": "numerator", "tick_denominator": "denominator"},
    ),
    messages.Fault: Record(
        "const FaultRecord&", "record", {field.name: field.name for field in fields(messages.Fault)[1:]}
    ),
}

OUTPUTS = {
    "firmware/include/kws/status.h": "status.h.j2",
    "firmware/include/kws/fault.h": "fault.h.j2",
    "firmware/include/kws/protocol.h": "protocol.h.j2",
    "firmware/include/kws/messages.h": "messages.h.j2",
    "firmware/src/link/messages.cc": "messages.cc.j2",
}


@dataclasses.dataclass(frozen=True)
class Member:
    """A parameter of C++: of a struct or of a function.

    Attributes:
      type: ``uint32_t``, ``const int8_t*``.
      name: as in C++.
      note: for a comment, may be empty.
    """

    type: str
    name: str
    note: str


@dataclasses.dataclass(frozen=True)
class CppMessage:
    """A message as the templates need it.

    Attributes:
      name: ``Step``.
      summary: one line, and what follows the fields.
      members: of the struct, or parameters.
      values: for a payload of plain numbers, where each is found, members' names in braces; else empty.
      writes: statements in the payload's order, members' names in braces.
      reads: for each member, the reader's method.
      only_u32: the payload is many u32 and nothing else: written in a loop.
      fixed_bytes: without the items that counts announce.
    """

    name: str
    summary: str
    members: tuple[Member, ...]
    values: tuple[str, ...]
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    only_u32: bool
    fixed_bytes: int


def camel(name: str) -> str:
    """``GET_INFO`` or ``get_info`` -> ``GetInfo``."""
    return "".join(word.capitalize() for word in name.split("_"))


def _cpp_type(field: Field) -> str:
    assert isinstance(field.kind, Number)
    if field.values in TYPED:
        return field.values.__name__
    return f"uint{8 * field.kind.size}_t"


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _is_left_to_the_caller(item: Number | Text) -> bool:
    """Whether the caller writes the items behind their count, one by one: they are names, or lie in structs."""
    return isinstance(item, Text) or item.size == 2


def _members(field: Field) -> list[Member]:
    if field.constant or isinstance(field.kind, Rest):
        return []
    match field.kind:
        case Number():
            note = field.meaning or (field.values.__name__ if field.values else "")
            return [Member(_cpp_type(field), field.name, note)]
        case Digest(size):
            return [Member("const uint8_t*", field.name, f"[{size}], {field.meaning}")]
        case Text():
            return [Member("const char*", field.name, field.meaning)]
        case Counted(item, count):
            counter = Member(f"uint{8 * count.size}_t", f"{_singular(field.name)}_count", "")
            if _is_left_to_the_caller(item):
                return [counter]
            assert isinstance(item, Number)
            pointer = {1: "const int8_t*", 4: "const uint32_t*"}[item.size]
            return [
                Member(pointer, field.name, f"[{counter.name}]{', ' * bool(field.meaning)}{field.meaning}"),
                counter,
            ]
    raise AssertionError(field)


def _writes(field: Field, name: str) -> list[str]:
    """Statements on ``out`` for the field found at ``name``; members' names stand in braces."""
    if field.constant:
        return [f"out.U{8 * field.kind.size}(k{camel(field.constant)});"]  # type: ignore[union-attr]
    match field.kind:
        case Rest():
            return []
        case Number(size=size):
            value = f"static_cast<uint{8 * size}_t>({name})" if field.values in TYPED else name
            return [f"out.U{8 * size}({value});"]
        case Digest(size):
            return [f"out.Bytes({name}, {size});"]
        case Text():
            return [f"out.String({name});"]
        case Counted(item, count):
            counter = "{" + _singular(field.name) + "_count}"
            written = [f"out.U{8 * count.size}({counter});"]
            if _is_left_to_the_caller(item):
                return written
            if isinstance(item, Number) and item.size == 1:
                written.append(f"out.Bytes({name}, {counter});")
            elif isinstance(item, Number):
                written.append(f"for (size_t i = 0; i < {counter}; ++i) out.U{8 * item.size}({name}[i]);")
            return written
    raise AssertionError(field)


def _message(message: type[Message]) -> CppMessage:
    parts, record = fields(message), RECORDS.get(message, Record("", "", {}))
    members: list[Member] = []
    for field in parts:
        if field.name not in record.members:
            members += _members(field)
        elif not any(member.name == record.name for member in members):
            members.append(Member(record.type, record.name, ""))
    places = {
        field.name: f"{{{record.name}}}.{record.members[field.name]}"
        if field.name in record.members
        else f"{{{field.name}}}"
        for field in parts
    }
    plain = [field.kind.size for field in parts if isinstance(field.kind, Number)]
    return CppMessage(
        name=camel(message.TYPE.name),
        summary=" ".join([(message.__doc__ or "").splitlines()[0], *filter(None, [FOLLOWS.get(message)])]),
        members=tuple(members),
        values=tuple(places.values()),
        writes=tuple(statement for field in parts for statement in _writes(field, places[field.name])),
        reads=tuple(f"U{8 * size}()" for size in plain),
        only_u32=len(parts) > 8 and plain == [4] * len(parts),
        fixed_bytes=fixed_bytes(message),
    )


def _where(statement: str, message: CppMessage, prefix: str = "") -> str:
    """Puts the members' names into a statement of ``writes``."""
    return statement.format(**{member.name: prefix + member.name for member in message.members})


def _formatted(text: str, name: str, style: Path) -> str:
    beside = Path(sys.executable).parent / "clang-format"
    program = str(beside) if beside.is_file() else shutil.which("clang-format")
    if program is None:
        raise KwsError("clang-format is missing: it formats the generated C++. Run: make venv")
    command = [program, f"--style=file:{style}", f"--assume-filename={name}"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def files(style: Path) -> dict[str, str]:
    """Returns the path of each generated C++ file, relative to the kit's folder, and its text.

    Args:
      style: the kit's ``.clang-format``.

    Raises:
      KwsError: clang-format is missing.
    """
    templates = environment(TEMPLATES_OF_PROTOCOL)
    templates.filters.update(camel=camel, where=_where)
    of = {group: [_message(message) for message in members] for group, members in {
        "structs": STRUCTS, "calls": CALLS, "inline_calls": INLINE_CALLS, "requests": REQUESTS, "sized": SIZED,
    }.items()}  # fmt: skip
    context = {
        "table": messages,
        "requests_types": [kind for kind in MessageType if kind < 0x80],
        "answers_types": [kind for kind in MessageType if 0x80 <= kind < 0x90],
        "events_types": [kind for kind in MessageType if kind >= 0x90],
        "header_bytes": fixed_bytes(messages.FrameHeader),
        "fault_members": [member for field in fields(messages.Fault)[1:] for member in _members(field)],
        **of,
    }
    return {
        name: _formatted(templates.get_template(template).render(context), name, style)
        for name, template in OUTPUTS.items()
    }
