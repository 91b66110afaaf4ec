"""What the command line tools share: output on every kind of terminal, and how much they say."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

SCRIPT = """
import sys
from types import SimpleNamespace
from kws_reference.cli import program

def add_parser(subparsers):
    return subparsers.add_parser("say", help="\\xb1 1 dB")

def run(args):
    print("80 \\xb1 1 %", "caf\\udce9.wav", "\\u65e5\\u672c")
    print("\\xb1", file=sys.stderr)
    raise program.KwsError("no such word: \\u65e5\\u672c in caf\\udce9")

command = SimpleNamespace(__name__="kws_test.say", add_parser=add_parser, run=run)
sys.exit(program.run("kws-test", "\\xb1", [command], sys.argv[1:]))
"""
TERMINALS = {
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0"},
    "ASCII, coerced": {"LC_ALL": "C"},
    "PYTHONIOENCODING": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"},
    "Latin-1": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}


@pytest.mark.parametrize("terminal", TERMINALS)
def test_program_output_in_any_terminal_no_traceback(terminal):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON", "LANG"))}
    environment |= {**TERMINALS[terminal], "PYTHONPATH": str(ROOT / "training")}

    def say(*words):
        return subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, env=environment)

    result = say("say")
    assert result.returncode == 2
    assert result.stdout.startswith(b"80 ") and b"caf" in result.stdout and b"Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith(b"error: no such word: ")
    assert say("--help").returncode == 0
