"""The other end of MLPerf Tiny's client: what its runner sends, and what it makes of the answers (host/MLPERF.md)."""

import dataclasses
import re
import time
from fractions import Fraction

import numpy as np
import serial
from kws_firmware import sources
from kws_reference.bundle import Bundle
from kws_reference.detector.integer import DetectorTables
from kws_reference.network.oracle import Network

CLIENT = [path for path in sources.files(sources.application_folder("mlperf")) if path.name != "main.cc"]
BYTES_PER_COMMAND = 31
BAUD = 115200
END = "m-ready"


@dataclasses.dataclass(frozen=True)
class Inferences:
    """What `infer` was answered by.

    Attributes:
      elapsed_us: between the two laps.
      scores: int8 ``[labels]``.
      results: text of each number in ``m-results``.
    """

    elapsed_us: int
    scores: np.ndarray
    results: tuple[str, ...]


class Runner:
    """Sends commands and reads lines until ``m-ready``, as the runner does.

    Args:
      device: of a serial port.
      timeout_s: ends what would hang.
    """

    def __init__(self, device: str, timeout_s: float = 60) -> None:
        self._port = serial.Serial(device, BAUD, timeout=0.1)
        self._timeout_s = timeout_s

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self._port.close()

    def ask(self, command: str) -> list[str]:
        """Lines of the answer without ``m-ready``."""
        self._port.write(f"{command}%".encode())
        return self.lines()

    def lines(self) -> list[str]:
        """Lines up to the next ``m-ready``, without it."""
        said, deadline = b"", time.monotonic() + self._timeout_s
        while not said.endswith(f"{END}\r\n".encode()):
            if time.monotonic() > deadline:
                raise AssertionError(f"no {END} after {said!r}")
            said += self._port.read(1)
        return said.decode().split("\r\n")[:-2]

    def load(self, data: bytes) -> list[list[str]]:
        """Answers to all the commands that load some bytes."""
        return [self.ask(command) for command in load_commands(data)]

    def infer(self, inferences: int, warm_ups: int) -> Inferences:
        """Runs the loaded input."""
        return inferences_in(self.ask(f"infer {inferences} {warm_ups}"))


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the runner makes of an answer to `infer`.

    Attributes:
      results: of the last line of results.
      inferences: lines of results; one in each answer.
      elapsed_us: between the laps, None where it misses one.
    """

    results: list[float]
    inferences: int
    elapsed_us: int | None


class StrictRunner(Runner):
    """The sequence of the runner in mlcommons/tiny, with its patience and its ways to read.

    It reads byte by byte, each a character of its own, drops CR and NUL, ends an answer with any line that holds
    ``m-ready``, and gives up when a line takes longer than 5 s.
    """

    LINE_S = 5.0

    def lines(self) -> list[str]:
        """Lines of an answer, ``m-ready`` among them, without empty ones."""
        lines = [self._line()]
        while END not in lines[-1]:
            lines.append(self._line())
        return [line for line in lines if line]

    def _line(self) -> str:
        text, deadline = "", time.monotonic() + self.LINE_S
        while (char := self._port.read(1).decode()) != "\n":
            text += char.strip("\r\0")
            if time.monotonic() > deadline:
                raise AssertionError(f"no line for {self.LINE_S} s, after {text!r}")
        return text

    def begin(self, command: str) -> None:
        """Sends a command without its end, as a runner that was stopped leaves it."""
        self._port.write(command.encode())

    def clear(self) -> str:
        """Ends whatever command was begun, and drops what is said until it is silent; returns that."""
        self._port.write(b"%")
        said, deadline = "", time.monotonic() + self.LINE_S
        while (char := self._port.read(1).decode()) and time.monotonic() < deadline:
            said += char
        return said

    def identify(self) -> dict[str, str]:
        """Name, profile and model: by the last one the test is chosen."""
        found: dict[str, str] = {}
        for command in ("name", "profile", "profile"):
            for line in self.ask(command):
                if match := re.match(r"^m-(name)-dut-\[([^]]+)]$|^m-(model|profile)-\[([^]]+)]$", line):
                    found[match[1] or match[3]] = match[2] or match[4]
        return found

    def measure(self, data: bytes, inferences: int, warm_ups: int, at_a_time: int = BYTES_PER_COMMAND) -> Measured:
        """Loads an input and runs it, `at_a_time` bytes a command: 26 where an interface board is between."""
        for command in load_commands(data, at_a_time):
            self.ask(command)
        results: list[float] = []
        laps, count = [], 0
        for line in self.ask(f"infer {inferences} {warm_ups}"):
            if match := re.match(r"^m-results-\[([^]]+)\]$", line):
                results, count = [float(value) for value in match[1].split(",") if value.strip()], count + 1
            elif match := re.match(r"^m-lap-us-([0-9]+)$", line):
                laps.append(int(match[1]))
        return Measured(results, count, laps[-1] - laps[0] if len(laps) > 1 else None)


def load_commands(data: bytes, at_a_time: int = BYTES_PER_COMMAND) -> list[str]:
    """Commands that load some bytes."""
    pieces = [data[i : i + at_a_time] for i in range(0, len(data), at_a_time)]
    return [f"db load {len(data)}", *(f"db {piece.hex()}" for piece in pieces)]


def inferences_in(lines: list[str]) -> Inferences:
    """What the answer to `infer` says."""
    text = "\n".join(lines)
    first, last = (int(lap) for lap in re.findall(r"^m-lap-us-([0-9]+)$", text, re.MULTILINE))
    (scores,) = re.findall(r"^m-scores-\[([^]]+)\]$", text, re.MULTILINE)
    (results,) = re.findall(r"^m-results-\[([^]]+)\]$", text, re.MULTILINE)
    return Inferences(last - first, np.array(scores.split(","), np.int8), tuple(results.split(",")))


def results_of(scores: np.ndarray, tables: DetectorTables) -> tuple[str, ...]:
    """``m-results`` of int8 ``[labels]`` scores: their posteriors, with six decimals."""
    return tuple(decimals(Fraction(int(value), 32768)) for value in tables.posteriors_q15(scores))


def decimals(value: Fraction) -> str:
    """A fraction of 0 to 1 with six decimals, rounded to the nearest."""
    millionths = int(value * 10**6 + Fraction(1, 2))
    return f"{millionths // 10**6}.{millionths % 10**6:06}"


def expected(bundle: Bundle, features: np.ndarray) -> np.ndarray:
    """Scores after the last step of int8 ``[steps, frames_per_step, coefficients]``, by the reference interpreter."""
    oracle = Network(bundle)
    return [oracle.step(step) for step in features][-1]
