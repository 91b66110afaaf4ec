"""The protocol's table as JavaScript, for a page that speaks to a board itself (Web Serial)."""

import dataclasses

from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Counted, Digest, Field, Message, Number, Rest, Text, fields, fixed_bytes

from kws_codegen.protocol.cpp import TEMPLATES_OF_PROTOCOL
from kws_codegen.render.environment import environment

OUTPUT = "host/web/link/messages.js"


@dataclasses.dataclass(frozen=True)
class JsMessage:
    """A message as the template needs it. Attributes: name: ``STEP``. summary: one line. fields: object literals."""

    name: str
    summary: str
    fields: tuple[str, ...]


def camel(name: str) -> str:
    """``offset_bytes`` -> ``offsetBytes``."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _kind(field: Field) -> dict[str, str | int]:
    match field.kind:
        case Number(name=name):
            return {"kind": name}
        case Text():
            return {"kind": "str"}
        case Digest(size):
            return {"kind": "digest", "size": size}
        case Counted(item, count):
            return {"kind": "many", "count": count.name, "item": item.name if isinstance(item, Number) else "str"}
        case Rest():
            return {"kind": "rest"}
    raise AssertionError(field)


def _field(field: Field, default: object) -> str:
    """An object literal: where ``default`` is missing, the field must be there."""
    entries: dict[str, object] = {"name": camel(field.name), **_kind(field)}
    if default is not dataclasses.MISSING:
        entries["default"] = default
    if field.constant:
        entries["constant"] = True
    words = (f"{name}: {_literal(value, field)}" for name, value in entries.items())
    return "{ " + ", ".join(words) + " }"


def _literal(value: object, field: Field) -> str:
    if value is True:
        return "true"
    if isinstance(value, int):
        return f"{value}n" if field.kind == _U64 else str(value)
    return f'"{value}"'


_U64 = Number("u64", "Q")


def _message(message: type[Message]) -> JsMessage:
    entries = dataclasses.fields(message)  # type: ignore[arg-type]
    return JsMessage(
        message.TYPE.name,
        (message.__doc__ or "").splitlines()[0],
        tuple(_field(field, entry.default) for field, entry in zip(fields(message), entries, strict=True)),
    )


def text() -> str:
    """Returns the file."""
    kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "TYPE")]
    return (
        environment(TEMPLATES_OF_PROTOCOL)
        .get_template("messages.js.j2")
        .render(
            table=messages,
            types=list(MessageType),
            header_bytes=fixed_bytes(messages.FrameHeader),
            messages=[_message(kind) for kind in kinds],
        )
    )
