"""The table of the serial link, `tests/vectors/link.txt`, which Python and C++ are tested from."""

from kws_host.frame import FrameDecoder, Unframed

from tests.support.paths import ROOT

VECTORS = ROOT / "tests/vectors/link.txt"


def bytes_of(text: str) -> bytes:
    """Bytes of a field: hexadecimal digits, or ``-``."""
    return b"" if text == "-" else bytes.fromhex(text)


def cases(kind: str) -> list[list[str]]:
    """The words of each case of a kind."""
    lines = [line.split() for line in VECTORS.read_text().splitlines() if not line.startswith("#")]
    return [words for words in lines if words[0] == kind]


def events(wire: bytes, chunk: int) -> list[str]:
    """What Python's decoder makes of bytes that come in chunks, in the table's words."""
    decoder, found = FrameDecoder(), []
    for start in range(0, len(wire), chunk):
        for item in decoder.feed(wire[start : start + chunk]):
            if isinstance(item, Unframed):
                found.append(f"drop,{item.reason}")
            else:
                found.append(f"frame,{item.version},{item.type},{item.seq},{item.payload.hex() or '-'}")
    return found
