"""The serial link in C++: the table that Python is tested from, random cases of both, and hostile bytes."""

import os
import shutil
import subprocess
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_firmware import sources
from kws_host import cobs
from kws_host.frame import Frame
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES

from tests.support import libfuzzer, native
from tests.support.link_vectors import VECTORS, bytes_of, cases, events

# Defined before the tests, which take it on as they are made. No deadline: the machine may be busy.
settings.register_profile("kws", deadline=None, derandomize=True)
settings.load_profile("kws")

LINK = sources.files("src/link")
TABLE_TEST, FUZZ = "tests/integration/native/link_vectors_test.cc", "tests/integration/native/link_fuzz.cc"


def test_link_vectors_through_cpp_give_the_same_bytes_and_events():
    program = native.build("link_vectors_test", [TABLE_TEST, *LINK])
    result = subprocess.run([program, VECTORS], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    counted = dict(line.split() for line in result.stdout.splitlines())
    kinds = Counter(line.split()[0] for line in VECTORS.read_text().splitlines() if not line.startswith("#"))
    assert counted == {kind: str(count) for kind, count in kinds.items()}
    assert kinds["message"] >= 15 and kinds["stream"] >= 15


@settings(max_examples=12)
@given(st.data())
def test_codecs_random_cases_agree_in_python_and_cpp(tmp_path_factory, data):
    payloads = data.draw(st.lists(st.binary(max_size=MAX_PAYLOAD_BYTES), min_size=10, max_size=40))
    lines = []
    for seq, payload in enumerate(payloads):
        text = payload.hex() or "-"
        wire = Frame(seq % 256, seq * 977 % 65536, payload).encode()
        at = data.draw(st.integers(0, len(wire) - 1))
        damaged = wire[:at] + data.draw(st.binary(max_size=40)) + wire[at + data.draw(st.integers(0, 3)) :] + wire
        lines.append(f"crc {text} {zlib.crc32(payload):08x}")
        lines.append(f"cobs {text} {cobs.encode(payload).hex()}")
        lines.append(f"frame 1 {seq % 256} {seq * 977 % 65536} {text} {wire.hex()}")
        lines.append(" ".join(["stream", "random", damaged.hex(), *events(damaged, 10**6)]))
    path = tmp_path_factory.mktemp("random") / "cases.txt"
    path.write_text("\n".join(lines) + "\n")
    program = native.build("link_vectors_test", [TABLE_TEST, *LINK])
    result = subprocess.run([program, path], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_link_vectors_with_one_changed_byte_fail_in_cpp(tmp_path):
    program = native.build("link_vectors_test", [TABLE_TEST, *LINK])
    lines = VECTORS.read_text().splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("message step"))
    lines[index] = lines[index][:-6] + ("0" if lines[index][-6] != "0" else "1") + lines[index][-5:]
    broken = tmp_path / "link.txt"
    broken.write_text("\n".join(lines) + "\n")
    result = subprocess.run([program, broken], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "message step" in result.stderr


def _corpus(folder: Path) -> Path:
    path = folder / "corpus.bin"
    path.write_bytes(b"".join(bytes_of(words[-1]) for kind in ("frame", "message") for words in cases(kind)))
    return path


def test_link_receiver_fuzzed_with_mutated_traffic_under_sanitizers_holds(tmp_path):
    program = native.build("link_fuzz", [FUZZ, *LINK])
    result = subprocess.run([program, "1", "3000", _corpus(tmp_path)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "3000 inputs\n"


def test_link_receiver_under_libfuzzer_holds(tmp_path):
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is not installed: libFuzzer needs it (the seeded loop above ran)")
    flags = ["-fsanitize=fuzzer"]
    program = native.build(
        "link_libfuzzer",
        [FUZZ, *LINK],
        defines=["KWS_LIBFUZZER"],
        flags=flags,
        compiler="clang++",
    )
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for index, words in enumerate([*cases("stream"), *cases("message")]):
        (seeds / str(index)).write_bytes(bytes_of(words[2] if words[0] == "stream" else words[-1]))
    command = [program, *libfuzzer.MEMORY, "-runs=20000", "-seed=1", "-max_len=2000", "-max_total_time=30", seeds]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Done 20000 runs" in result.stderr or "DONE" in result.stderr
