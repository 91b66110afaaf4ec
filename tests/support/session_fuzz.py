"""The fuzzed application (tests/integration/native/session_fuzz.cc): its program, its corpus, its dictionary.

All of it follows the table of the protocol: a request that is added there is in the dictionary and among the seeds.
"""

import enum
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from kws_firmware import sources
from kws_host.frame import Frame
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Message, fixed_bytes

from tests.support import libfuzzer, native
from tests.support.link_vectors import bytes_of
from tests.support.paths import ROOT

CORPUS = ROOT / "tests" / "vectors" / "session_fuzz.txt"
HEADER = (
    "# Inputs of tests/integration/native/session_fuzz.cc, each a byte of options and bytes of the wire, in hex:\n"
    "# what libFuzzer kept of them, minimised. python -m tests.tools.fuzz_session --overwrite\n"
)
FAKE = "tests/integration/native/fake_model"
_PARTS = ("session_fuzz", "fuzz_board")
_DEFINES = ['KWS_BOARD_NAME="fuzz"', "FAKE_FAILS_AS_INPUT_WANTS"]


def program(*, fuzzing: bool) -> Path:
    """Builds it under ASan and UBSan.

    Args:
      fuzzing: with libFuzzer, which needs clang++; else a program that runs the files that it is given.
    """
    application = [path for path in sources.files("src/app") if path.name != "main.cc"]
    ours = [f"tests/integration/native/{part}.cc" for part in (*_PARTS, *(["frame_mutator"] if fuzzing else []))]
    files = [*ours, f"{FAKE}/fake_model.cc", *application, *sources.files("src/link")]
    # The made-up stages use only a part of the fields of the true ones, which clang remarks.
    for_clang = ["-fsanitize=fuzzer", "-fno-sanitize-coverage=trace-cmp", "-Wno-unused-private-field"]
    return native.build(
        "session_libfuzzer" if fuzzing else "session_fuzz",
        [*files, "firmware/boards/native/semihosting.cc"],
        includes=["firmware/boards", "firmware/src", FAKE, "tests/integration/native"],
        defines=[*_DEFINES, *(["KWS_LIBFUZZER"] if fuzzing else [])],
        flags=["-O2", *(for_clang if fuzzing else [])],
        compiler="clang++" if fuzzing else None,
    )


ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=4:malloc_context_size=1"}
"""Leaks are not looked for (there is no heap), and little is kept of what the fuzzer itself has freed: it is faster."""


def fuzz(
    program: Path, folder: Path, inputs: Sequence[Path], *, runs: int, seed: int, longest: int
) -> subprocess.CompletedProcess:
    """Runs libFuzzer with the dictionary.

    Args:
      program: of `program`.
      folder: where it runs, and leaves an input that fails.
      inputs: folders of inputs; what is new goes to the first.
      runs: how many inputs.
      seed: of the mutations.
      longest: bytes of an input.
    """
    words = folder / "dictionary.txt"
    words.write_text(dictionary())
    options = [*libfuzzer.MEMORY, f"-runs={runs}", f"-seed={seed}", f"-max_len={longest}", f"-dict={words}"]
    command = [str(word) for word in (program, *options, *inputs)]
    return subprocess.run(command, cwd=folder, env=os.environ | ENVIRONMENT, capture_output=True, text=True)


def corpus() -> list[bytes]:
    """The committed inputs."""
    return [bytes_of(line) for line in CORPUS.read_text().splitlines() if not line.startswith("#")]


def write_corpus(inputs: Iterable[bytes]) -> None:
    """Writes the inputs that are committed."""
    CORPUS.write_text(HEADER + "".join(f"{data.hex()}\n" for data in inputs))


def seeds() -> list[bytes]:
    """An input for each request of the table, with a payload of its length, and audio for a quick and a slow core."""
    requests = [kind for kind in MessageType if kind < 0x80]
    found = [b"\0" + b"".join(Frame(kind, 1, payload).encode() for payload in _payloads(kind)) for kind in requests]
    audio = [messages.Audio(offset, bytes(range(160)) * 4) for offset in range(0, 3200, 640)]
    stream = [Frame(MessageType.AUDIO, seq, piece.encode()).encode() for seq, piece in enumerate(audio)]
    configure = Frame(MessageType.CONFIGURE, 9, messages.Configure(messages.Config(7)).encode()).encode()
    slow_core = b"\x10"  # fuzz_board.h
    return [*found, *(options + configure + b"".join(stream) for options in (b"\0", slow_core))]


def dictionary() -> str:
    """libFuzzer's dictionary: every number of the protocol, as its bytes lie in a payload."""
    numbers = {value for name, value in vars(messages).items() if re.fullmatch("[A-Z_]+", name) and type(value) is int}
    for kind in vars(messages).values():
        if isinstance(kind, type) and issubclass(kind, enum.IntEnum | enum.IntFlag):
            numbers |= {int(member) for member in kind}
    packed = {number.to_bytes(size, "little") for number in numbers for size in (1, 2, 4) if number < 256**size}
    escaped = ["".join(f"\\x{byte:02x}" for byte in value) for value in sorted(packed)]
    return "".join(f'"{text}"\n' for text in escaped)


def write_inputs(folder: Path, inputs: Iterable[bytes]) -> list[Path]:
    """Writes inputs to files that the program takes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, data in enumerate(inputs):
        paths.append(folder / f"{index:04}")
        paths[-1].write_bytes(data)
    return paths


def _payloads(kind: MessageType) -> list[bytes]:
    """Payloads of a request's length: its constants where it has them, else small numbers."""
    known = {cls.TYPE: cls for cls in vars(messages).values() if isinstance(cls, type) and hasattr(cls, "TYPE")}
    message: type[Message] | None = known.get(kind)
    if message is None:
        return [b""]
    try:
        return [message().encode()]
    except TypeError:  # it has fields that must be given
        size = fixed_bytes(message)
        return [bytes(size), bytes([1] * size), bytes([1] + [0] * (size - 1))]
