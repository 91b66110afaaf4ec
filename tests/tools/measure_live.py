"""Measures what `kws-host live` and an emulated board cost: ``python -m tests.tools.measure_live --write``.

A page's part of the conversation streams the demo's words in real time, a piece every 20 ms, from another process. The
processor time of the server and of the emulator comes from the kernel's accounts of both, the latency from the page's
clock: from a step's last sample to the step.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav

from tests.support import live
from tests.support.paths import ROOT

RECORD = ROOT / "host" / "live.json"
RATE_HZ = 16000
PIECE_SAMPLES = 320
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main(arguments: list[str] | None = None) -> int:
    """Measures, and writes the record or prints it."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.measure_live", description=__doc__)
    parser.add_argument("--board", default="mps2_an386", help="emulated board (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of audio (default: %(default)g)")
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    record = json.dumps(measure(options.board, options.seconds), indent=2) + "\n"
    if options.write:
        RECORD.write_text(record, encoding="utf-8")
    print(record, end="")
    return 0


def measure(board: str, seconds: float) -> dict:
    """Streams to an emulated board. Returns: the record."""
    words = [sys.executable, "-m", "kws_host.cli", "live", "--no-browser", "--http-port", "0", "--emulate", board]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            port = int(server.stdout.readline().split(":")[2].split("/")[0])
            (emulator,) = children_of(server.pid)
            with live.Page(port) as page:
                page.wait_ready()
                before = _Usage.of(server.pid, emulator)
                took = _stream(page, seconds)
                used = _Usage.of(server.pid, emulator)
        finally:
            server.terminate()
    latencies = took.latencies_ms
    return {
        "board": board,
        "audio_seconds": round(took.seconds, 1),
        "steps": took.steps,
        "server_seconds_per_second": round((used.server_s - before.server_s) / took.seconds, 3),
        "emulator_seconds_per_second": round((used.emulator_s - before.emulator_s) / took.seconds, 3),
        "dropped_samples": took.dropped,
        "latency_ms_median": round(float(np.median(latencies)), 1),
        "latency_ms_99th": round(float(np.percentile(latencies, 99)), 1),
        "wall_seconds_per_second": round(took.wall_s / took.seconds, 3),
    }


@dataclasses.dataclass(frozen=True)
class _Usage:
    """Processor seconds so far."""

    server_s: float
    emulator_s: float

    @classmethod
    def of(cls, server: int, emulator: int) -> "_Usage":
        return cls(_processor_s(server), _processor_s(emulator))


@dataclasses.dataclass(frozen=True)
class _Took:
    seconds: float
    wall_s: float
    steps: int
    dropped: int
    latencies_ms: list[float]


def _stream(page: live.Page, seconds: float) -> _Took:
    """Sends pieces when their time has come; a piece for which there is no credit is dropped, as the page drops it."""
    pcm = np.concatenate([read_wav(path, RATE_HZ) for path in sorted((ROOT / "host/demo/words").rglob("*.wav"))])
    pcm = np.resize(pcm, int(seconds * RATE_HZ) // PIECE_SAMPLES * PIECE_SAMPLES).astype("<i2")
    page.reset()
    assert page.info
    hop, per_step = page.info.hop_samples, page.info.frames_per_step
    sent_at: list[float] = []
    latencies: list[float] = []
    dropped = 0
    begin = time.monotonic()
    for index, start in enumerate(range(0, len(pcm), PIECE_SAMPLES)):
        due = begin + (index + 1) * PIECE_SAMPLES / RATE_HZ
        while (left := due - time.monotonic()) > 0:
            _take(page, left, latencies, sent_at, hop, per_step)
        piece = pcm[start : start + PIECE_SAMPLES].tobytes()
        if page.has_room(len(piece)):
            page.audio(piece)
            sent_at.append(time.monotonic())
        else:
            dropped += PIECE_SAMPLES
    page.until(lambda: page.take.consumed >= len(sent_at) * PIECE_SAMPLES * 2)
    return _Took(len(pcm) / RATE_HZ, time.monotonic() - begin, len(page.take.steps), dropped, latencies)


def _take(
    page: live.Page, wait_s: float, latencies: list[float], sent_at: list[float], hop: int, per_step: int
) -> None:
    """Listens for a while at most, and notes the latency of the steps that came."""
    assert page.info
    before = len(page.take.steps)
    page.listen_for(wait_s)
    now = time.monotonic()
    for step in page.take.steps[before:]:
        end = page.info.window_samples + ((step.step + 1) * per_step - 1) * hop
        latencies.append(1000 * (now - sent_at[(end - 1) // PIECE_SAMPLES]))


def children_of(process: int) -> list[int]:
    """Processes that a process has started and that have not ended, from proc(5)."""
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            state, parent, *_ = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(parent) == process and state != "Z":
                children.append(int(status.parent.name))
    return children


def _processor_s(process: int) -> float:
    """User and system time of a process, all threads, from proc(5)."""
    words = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS_PER_S


if __name__ == "__main__":
    sys.exit(main())
