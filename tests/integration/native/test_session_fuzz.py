"""The firmware's application, fuzzed from the bytes of the wire on (session_fuzz.cc), under sanitizers."""

import shutil
import subprocess

import pytest
from kws_reference.protocol.messages import MessageType

from tests.support import session_fuzz

RUNS = 20_000


@pytest.fixture(scope="module")
def fuzzer():
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is not installed: libFuzzer needs it")
    return session_fuzz.program(fuzzing=True)


def test_session_every_committed_input_and_every_seed_is_survived(tmp_path):
    """The same with the compiler that everybody has."""
    inputs = [*session_fuzz.corpus(), *session_fuzz.seeds()]
    assert len(inputs) > 50
    files = session_fuzz.write_inputs(tmp_path / "inputs", inputs)
    done = subprocess.run([session_fuzz.program(fuzzing=False), *files], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    assert done.stdout == f"{len(inputs)} inputs\n"


def test_session_under_libfuzzer_holds_what_it_promises(fuzzer, tmp_path):
    given, new = tmp_path / "given", tmp_path / "new"
    new.mkdir()
    session_fuzz.write_inputs(given, [*session_fuzz.corpus(), *session_fuzz.seeds()])
    done = session_fuzz.fuzz(fuzzer, tmp_path, [new, given], runs=RUNS, seed=1, longest=4096)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stderr


def test_seeds_hold_every_request_of_the_table():
    requests = {kind for kind in MessageType if kind < 0x80}
    texts = [seed.hex() for seed in session_fuzz.seeds()]
    for kind in requests:
        # 0x00, the first block's code, version 1, the type: no zero is among them.
        assert any(text[2:4] == "00" and text[6:10] == f"01{kind:02x}" for text in texts), kind.name
