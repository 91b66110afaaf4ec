"""How a payload's fields are packed: little-endian, one after the other, without padding.

A message is a dataclass whose annotations name the kind of each field and what it means::

    @dataclasses.dataclass(frozen=True)
    class Credit(Message):
        received_bytes: Annotated[U32, "PCM bytes taken since RESET"]
        limit_bytes: Annotated[U32, "the host may send up to this offset"]

`fields` reads the annotations back: for the codec here, for the C++ header and for the page's tables.
"""

import dataclasses
import enum
import struct
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

if TYPE_CHECKING:
    pass


class ProtocolError(ValueError):
    """Bytes that are no valid frame or payload. ``reason`` is the short name that both sides use."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Reader:
    """Reads a payload front to back. Bytes behind the last known field are left alone (a newer minor format)."""

    def __init__(self, payload: bytes):
        self._payload = payload
        self._position = 0

    def take(self, size: int) -> bytes:
        """Reads ``size`` raw bytes.

        Raises:
          ProtocolError: ``bad_payload``, fewer are left.
        """
        data = self._payload[self._position : self._position + size]
        if len(data) != size:
            raise ProtocolError("bad_payload", f"{len(self._payload)} bytes are too few")
        self._position += size
        return data

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._payload) - self._position

    def rest(self) -> bytes:
        """Reads everything that is left."""
        return self.take(self.left)


@dataclasses.dataclass(frozen=True)
class Number:
    """An integer. ``name`` as in the page's tables (``u16``), ``code`` as in `struct`."""

    name: str
    code: str

    @property
    def size(self) -> int:
        """Bytes."""
        return struct.calcsize("<" + self.code)

    @property
    def largest(self) -> int:
        """Largest value."""
        return 2 ** (8 * self.size - (self.code.islower())) - 1

    def pack(self, value: int) -> bytes:
        """Returns the bytes of ``value``."""
        return struct.pack("<" + self.code, value)

    def unpack(self, reader: Reader) -> int:
        """Reads one value. Raises: ProtocolError."""
        return struct.unpack("<" + self.code, reader.take(self.size))[0]


@dataclasses.dataclass(frozen=True)
class Digest:
    """``size`` raw bytes; hexadecimal digits in Python."""

    size: int

    def pack(self, value: str) -> bytes:
        """Returns the bytes of ``value``."""
        return bytes.fromhex(value)

    def unpack(self, reader: Reader) -> str:
        """Reads the digest. Raises: ProtocolError."""
        return reader.take(self.size).hex()


@dataclasses.dataclass(frozen=True)
class Text:
    """A length byte and that many bytes of UTF-8: longer text is cut, wrong bytes become U+FFFD."""

    length: ClassVar[Number] = Number("u8", "B")

    def pack(self, value: str) -> bytes:
        """Returns the bytes of ``value``."""
        data = value.encode("utf-8")[: self.length.largest]
        return self.length.pack(len(data)) + data

    def unpack(self, reader: Reader) -> str:
        """Reads one text. Raises: ProtocolError."""
        return reader.take(self.length.unpack(reader)).decode("utf-8", "replace")


@dataclasses.dataclass(frozen=True)
class Counted:
    """A count and that many items: raw `bytes` in Python for ``i8`` and ``i16``, else a tuple."""

    item: Number | Text
    count: Number

    def pack(self, value: bytes | tuple) -> bytes:
        """Returns the bytes of the count and of all items."""
        if isinstance(value, bytes) and isinstance(self.item, Number):
            return self.count.pack(len(value) // self.item.size) + value
        return self.count.pack(len(value)) + b"".join(map(self.item.pack, value))

    def unpack(self, reader: Reader) -> bytes | tuple:
        """Reads the count and all items. Raises: ProtocolError."""
        count = self.count.unpack(reader)
        if self.item in (_I8, _I16) and isinstance(self.item, Number):
            return reader.take(count * self.item.size)
        return tuple(self.item.unpack(reader) for _ in range(count))


@dataclasses.dataclass(frozen=True)
class Rest:
    """Items up to the payload's end: raw `bytes` in Python for ``i16``, else a tuple."""

    item: Number

    def pack(self, value: bytes | tuple) -> bytes:
        """Returns the bytes of all items."""
        return value if isinstance(value, bytes) else b"".join(map(self.item.pack, value))

    def unpack(self, reader: Reader) -> bytes | tuple:
        """Reads everything that is left. Raises: ProtocolError."""
        if self.item == _I16:
            return reader.rest()
        items = []
        while reader.left:
            items.append(self.item.unpack(reader))
        return tuple(items)


Kind = Number | Digest | Text | Counted | Rest

_I8, _I16 = Number("i8", "b"), Number("i16", "h")
_U8, _U16, _U32, _U64 = (Number(*words) for words in (("u8", "B"), ("u16", "H"), ("u32", "I"), ("u64", "Q")))

# Types of fields.
U8 = Annotated[int, _U8]
U16 = Annotated[int, _U16]
U32 = Annotated[int, _U32]
U64 = Annotated[int, _U64]
Str = Annotated[str, Text()]
Sha256 = Annotated[str, Digest(32)]
Int8s = Annotated[bytes, Counted(_I8, _U8)]  # up to 255
ManyInt8s = Annotated[bytes, Counted(_I8, _U16)]  # up to 65535
ManyInt16s = Annotated[bytes, Counted(_I16, _U16)]
ManyU16s = Annotated[tuple[int, ...], Counted(_U16, _U16)]
U32s = Annotated[tuple[int, ...], Counted(_U32, _U8)]
Strs = Annotated[tuple[str, ...], Counted(Text(), _U8)]
Int16sToTheEnd = Annotated[bytes, Rest(_I16)]
U16sToTheEnd = Annotated[tuple[int, ...], Rest(_U16)]


@dataclasses.dataclass(frozen=True)
class Always:
    """Note of a field that has one value: the name of a constant of `messages`."""

    constant: str


class Described(enum.IntEnum):
    """An enumeration whose members say what they mean: ``NAME = value, "meaning"``."""

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """Keeps the meaning beside the value."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
      name: of the dataclass's attribute.
      kind: how it is packed.
      meaning: one clause for the page and the header; empty when the name says it.
      values: enumeration of its values, if it has one.
      constant: name of the constant that is its only value, if it has one.
    """

    name: str
    kind: Kind
    meaning: str
    values: type[Described] | None
    constant: str | None


class Message:
    """A payload whose fields stand in the order of the dataclass."""

    TYPE: ClassVar[enum.IntEnum]
    """The frame's type byte; of all messages but the frame's own header."""

    def encode(self) -> bytes:
        """Returns the payload."""
        return b"".join(field.kind.pack(getattr(self, field.name)) for field in fields(type(self)))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reads the payload. Fields at its end that the sender does not know have their defaults.

        Raises:
          ProtocolError: ``bad_payload``, it is too short or holds what may not be.
        """
        reader, values = Reader(payload), []
        for field, entry in zip(fields(cls), dataclasses.fields(cls), strict=True):  # type: ignore[arg-type]
            if not reader.left and field.constant is None and entry.default is not dataclasses.MISSING:
                break
            values.append(field.kind.unpack(reader))
        return cls(*values)


_known: dict[type[Message], tuple[Field, ...]] = {}


def fields(message: type[Message]) -> tuple[Field, ...]:
    """The fields of a message's class, in the order of the payload."""
    if message not in _known:
        entries = dataclasses.fields(message)  # type: ignore[arg-type]
        _known[message] = tuple(_field(entry.name, getattr(entry.type, "__metadata__", ())) for entry in entries)
    return _known[message]


def _field(name: str, notes: tuple[Any, ...]) -> Field:
    kind = next((note for note in notes if isinstance(note, Kind)), None)
    if kind is None:
        raise TypeError(f"field {name}: its annotation names no kind of kws_reference.protocol.wire")
    meaning = next((note for note in notes if isinstance(note, str)), "")
    values = next((note for note in notes if isinstance(note, type)), None)
    constant = next((note.constant for note in notes if isinstance(note, Always)), None)
    return Field(name, kind, meaning, values, constant)


def fixed_bytes(message: type[Message]) -> int:
    """Bytes of a payload without the items that follow counts: what every such message has at least."""
    return sum(_fixed(field.kind) for field in fields(message))


def _fixed(kind: Kind) -> int:
    match kind:
        case Counted():
            return kind.count.size
        case Text():
            return kind.length.size
        case Rest():
            return 0
    return kind.size
