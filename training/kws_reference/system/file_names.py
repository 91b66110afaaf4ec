r"""File names as text that every terminal, report and parser takes, and back.

A file name is bytes, and need be neither UTF-8 nor printable. `shown` writes what cannot be shown as escapes: ``\xNN``
for a byte that is no UTF-8, ``\uNNNN`` or ``\UNNNNNNNN`` for a character that is not printable (controls, line ends,
marks that turn the direction of writing), ``\\`` for a backslash. So the text is valid Unicode without control
characters, differs for different names, and is the name itself in the usual case.
"""

import re

_ESCAPE = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U(00(?:0[1-9a-f]|10)[0-9a-f]{4}))")


def shown(name: str) -> str:
    """The text for a name as Python has it, undecodable bytes as lone surrogates (``os.fsdecode``)."""
    return "".join("\\\\" if character == "\\" else _printable(character) for character in name)


def original(text: str) -> str:
    """The name that `shown` made `text` of; text with other backslashes is taken as it is."""

    def character(match: re.Match) -> str:
        byte, short, long = match.groups()
        return chr(0xDC00 + int(byte, 16)) if byte else chr(int(short or long, 16)) if short or long else "\\"

    name = _ESCAPE.sub(character, text)
    return name if shown(name) == text else text


def printable(text: str) -> str:
    """A message with whatever is not printable as an escape. Not reversible: backslashes stay single."""
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
