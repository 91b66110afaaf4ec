"""`kws-host check` over a bad wire: it must end right, or with an error in one line, and never hang."""

import contextlib
import dataclasses
import io
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from kws_host import cli

from tests.support.chaos import Weather, wire

ANSWER_TIMEOUT_S = 0.3
"""Of the host: the native firmware answers within milliseconds, and lost answers must not cost seconds."""
HANGS_AFTER_S = 60
"""So long no check takes that gets on at all."""


class _Hangs(BaseException):
    """The alarm; nothing but this module takes it for an error of its own."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes:
      seed: of the weather and of what happened.
      verdict: ``right``, ``refused`` (status 2 and one line), ``mismatch`` (status 1), ``hang``, or ``crash`` (anything
        else).
      line: what it said: the summary, or the error.
      seconds: that it took.
      streamed_again: whether a recording was streamed more than once.
    """

    seed: int
    verdict: str
    line: str
    seconds: float
    streamed_again: bool = False

    @property
    def is_fine(self) -> bool:
        """Right, or refused by name."""
        return self.verdict in ("right", "refused")

    @property
    def error(self) -> str:
        """The error without what differs from run to run: ports, numbers, what a device said."""
        text = re.sub(r"; it said: .*(?=\. (Is|Was) )", "", self.line.removeprefix("error: "))
        text = re.sub(r"socket://[\d.]+:\d+", "PORT", text)
        return re.sub(r"\d[\d,.]*\b", "N", text)


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raises `_Hangs` in the main thread."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(device_port: int, audio: Path, seed: int) -> Outcome:
    """Checks recordings on a device behind a wire of this seed's weather. Main thread only.

    Args:
      device_port: TCP port of a native firmware with the released model; it lives on from check to check.
      audio: WAV file or folder.
      seed: of the weather and of what happens.
    """
    out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
    with wire(device_port, Weather.of_seed(seed), seed) as bad, _silent(out, err):
        words = ["check", str(audio), "--port", bad.url, "--timeout", str(ANSWER_TIMEOUT_S)]
        try:
            with _alarm(HANGS_AFTER_S):
                status: int | str = cli.main(words)
        except _Hangs:
            status = "hang"
        except Exception as error:
            status = f"{type(error).__name__}: {error}"
    seconds, said, complaint = time.monotonic() - began, out.getvalue(), err.getvalue()
    if status == 0 and not complaint and "every integer equals the reference" in said:
        return Outcome(seed, "right", said.splitlines()[-1], seconds, "streamed again" in said)
    if status == 2 and re.fullmatch(r"error: [^\n]{20,}\n", complaint):
        return Outcome(seed, "refused", complaint.rstrip(), seconds)
    verdict = {1: "mismatch", "hang": "hang"}.get(status, "crash")
    return Outcome(seed, verdict, f"status {status}: {complaint} {said}", seconds)


@contextlib.contextmanager
def _silent(out: io.StringIO, err: io.StringIO) -> Iterator[None]:
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
