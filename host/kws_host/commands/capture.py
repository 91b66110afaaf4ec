"""``kws-host capture``: the audio around wakes and near misses while a board listens, sorted for training."""

import argparse
import contextlib
import dataclasses
import datetime
import logging
import math
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from kws_reference.cli import program
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Config, NamesKind, SetSource
from kws_reference.system.file_names import printable

from kws_host import detector_settings, microphone, options, report
from kws_host.capturing import (
    DROP_KEY,
    SILENCE_KEY,
    UNSORTED,
    VERDICTS,
    Capture,
    CaptureFolder,
    Capturer,
    Cut,
    Span,
    Watch,
    share,
)
from kws_host.device import Device
from kws_host.keys import Keys, keys
from kws_host.screen import Screen

NOW, LATER = "now", "later"
PLAYERS = (("aplay", "-q"), ("paplay",), ("afplay",), ("play", "-q"))
MOST_SPAN_S = 30.0
LOOK_S = 1.0
"""Between two looks at what the board has dropped."""
_STDERR = 2  # a player's words go there: stdout is the results' alone

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "capture", help="keep the audio around wakes and near misses, and sort it", description=__doc__
    )
    options.add_target(parser)
    microphone.add_options(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where captures go; a folder of before is gone on with"
    )
    parser.add_argument(
        "--near",
        type=float,
        default=0.6,
        metavar="SHARE",
        help="of its threshold from which on a posterior is a near miss (default: %(default)g; 1: wakes alone)",
    )
    parser.add_argument("--before", type=float, default=1.5, metavar="S", help="seconds kept before (default: 1.5)")
    parser.add_argument("--after", type=float, default=0.5, metavar="S", help="seconds kept behind (default: 0.5)")
    parser.add_argument(
        "--sort",
        metavar="now|later|FOLDER",
        help="sort each by a key as it comes (the default on a terminal), later, or go through FOLDER's unsorted ones",
    )
    parser.add_argument("--duration", type=float, metavar="S", help="end after so many seconds (default: Ctrl-C)")
    options.add_json(parser)
    return parser


@dataclasses.dataclass
class Session:
    """What is captured: a board that was unplugged goes on from here.

    Attributes:
      source: the microphone.
      folder: for files.
      screen: for people.
      near: share of the threshold.
      span: around moments.
      keyboard: to sort by; without one all stay unsorted.
      end_s: by `time.monotonic`.
      name: of this session's files.
      captures: so far.
      waiting: that wait for a key.
      lost_samples: on the way and by the board.
    """

    source: SetSource
    folder: CaptureFolder
    screen: Screen
    near: float
    span: Span
    keyboard: Keys
    end_s: float
    name: str
    captures: list[Capture] = dataclasses.field(default_factory=list)
    waiting: list[Capture] = dataclasses.field(default_factory=list)
    lost_samples: int = 0


def run(args: argparse.Namespace) -> int:
    """Captures, or sorts what was captured. Returns 1 when samples of a capture were lost."""
    report.require_writable(args.json)
    screen = Screen(args.json)
    if args.sort not in (None, NOW, LATER):
        if args.out or args.emulate or args.duration is not None:
            raise KwsError(f"--sort {args.sort} goes through that folder: leave --out, --emulate and --duration away")
        found = _go_through(CaptureFolder(Path(args.sort)), screen)
    else:
        found = _capture(args, screen)
    if args.json:
        report.write_json(args.json, found)
    is_lossy = any(capture["lost_samples"] for capture in found.get("captures", ()))
    return program.CHECK_FAILED if is_lossy else program.OK


def _capture(args: argparse.Namespace, screen: Screen) -> dict:
    source, span = microphone.source_of(args), _span(args)
    with microphone.emulating(options.target_of(args), args.heard) as target, keys() as keyboard:
        if args.sort == NOW and not keyboard.is_there:
            raise KwsError("--sort now needs a terminal. Give --sort later, then --sort FOLDER where there is one.")
        session = Session(
            source,
            CaptureFolder(args.out),
            screen,
            args.near,
            span,
            Keys(False) if args.sort == LATER else keyboard,
            math.inf if args.duration is None else time.monotonic() + args.duration,
            # Chance: two boards that are started by one line of a script write into one folder in the same second.
            f"capture{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}{secrets.token_hex(2)}",
        )
        try:
            microphone.with_reconnects(target, args.wait, lambda device: _listen(device, session), end_s=session.end_s)
        except KeyboardInterrupt:
            pass
    left = len(session.folder.unsorted()) if session.captures else 0
    screen.print(f"{len(session.captures)} captured, {left} to be sorted in {args.out}.")
    if session.lost_samples:
        lossy = sum(capture.lost_samples > 0 for capture in session.captures)
        screen.print(
            f"LOST {session.lost_samples:,} samples, in {lossy} of the captures. A faster port, or a shorter cable."
        )
    captures = [dataclasses.asdict(capture) for capture in session.captures]
    return {"captures": captures, "unsorted": left, "lost_samples": session.lost_samples}


def _span(args: argparse.Namespace) -> Span:
    if args.out is None:
        raise KwsError("--out FOLDER is missing: where the captures go")
    if args.out.exists() and not args.out.is_dir():
        raise KwsError(f"{args.out} is no folder. Give one for the captures.")
    if not 0 < args.near <= 1:
        raise KwsError(f"--near must be above 0 and at most 1. Received: {args.near:g}.")
    if not (0 < args.before <= MOST_SPAN_S and 0 <= args.after <= MOST_SPAN_S):
        raise KwsError(
            f"--before and --after must be up to {MOST_SPAN_S:g} seconds. Received: {args.before:g}, {args.after:g}."
        )
    if args.duration is not None and not args.duration > 0:
        raise KwsError(f"--duration must be above 0. Received: {args.duration:g}.")
    return Span(args.before, args.after)


def _listen(device: Device, session: Session) -> None:
    labels = device.names(NamesKind.LABELS)
    held = detector_settings.require_held(device)
    capturer = Capturer(device.clock, Watch(held.config.threshold_q15, session.near), session.span)
    log.info(f"{device.info.board} listens, model {device.info.model_name}; Ctrl-C ends")
    look_s = time.monotonic() + LOOK_S
    with microphone.started(device, session.source, Config.AUDIO):
        try:
            for event in microphone.events(device):
                capturer.on_event(event)
                if capturer.has_cuts or time.monotonic() > look_s:
                    look_s = time.monotonic() + LOOK_S
                    capturer.on_dropped(device.stats().microphone_lost_samples)
                for cut in capturer.cuts():
                    _keep(device, session, labels, cut)
                _sort_waiting(session)
                if time.monotonic() > session.end_s:
                    break
        except microphone.MicrophoneEnded as error:
            log.info(str(error))
        finally:
            with contextlib.suppress(KwsError):  # it may be gone; what ended the block is told
                capturer.on_dropped(device.stats().microphone_lost_samples)
            session.lost_samples += capturer.lost_samples
            for cut in capturer.rest():
                _keep(device, session, labels, cut)


def _keep(device: Device, session: Session, labels: list[str], cut: Cut) -> None:
    number, moment = len(session.captures), cut.moment
    capture = Capture(
        f"{session.name}_nohash_{number}.wav",
        moment.kind,
        dict(enumerate(labels)).get(moment.label, f"label {moment.label}"),
        share(moment.smoothed_q15),
        round(device.clock.end_s(moment.step), 2),
        device.info.board,
        device.info.model_sha256,
        cut.lost_samples,
    )
    written = session.folder.add(capture, cut.pcm, device.info.sample_rate_hz)
    session.captures.append(written)
    if not session.keyboard.is_there:
        session.screen.print(_line(written))
        return
    session.waiting.append(written)
    if len(session.waiting) == 1:
        _ask(session)
    else:  # its line comes when keys are about it
        _prompt(session.screen, f"  ({len(session.waiting) - 1} more to be sorted behind it)")


def _ask(session: Session) -> None:
    """Shows the oldest capture that waits; keys of before are not about it."""
    capture = session.waiting[0]
    _prompt(session.screen, f"{_line(capture)}\n{_question(capture)}")
    session.keyboard.forget()


def _prompt(screen: Screen, text: str) -> None:
    """Shows what keys are about, also where stdout is a report's."""
    if screen.quiet:
        log.info(text)
    else:
        screen.print(text)


def _sort_waiting(session: Session) -> None:
    """Sorts the oldest capture that waits, when a key was pressed."""
    if not session.waiting or not (key := session.keyboard.pressed()):
        return
    capture = session.waiting[0]
    if (told := session.folder.sort(capture, key)) is None:
        return
    session.screen.print(f"  {told}")
    session.waiting.pop(0)
    if session.waiting:
        _ask(session)


def _line(capture: Capture) -> str:
    lost = f"  LOST {capture.lost_samples:,} samples" if capture.lost_samples else ""
    what = f"{capture.kind:<9}  {capture.label:<12} {capture.smoothed:.3f}  {capture.file}"
    return printable(f"{capture.seconds:9.2f} s  {what}{lost}")


def _question(capture: Capture) -> str:
    choices = [f"{key}: {verdict.name}" for key, verdict in VERDICTS[capture.kind].items()]
    return f"  {', '.join(choices)}, {SILENCE_KEY}: silence, {DROP_KEY}: drop"


def _go_through(folder: CaptureFolder, screen: Screen) -> dict:
    """Sorts captures by keys of the terminal, or by characters on stdin."""
    captures = folder.unsorted()
    counts: dict[str, int] = {}
    player = next((words for words in PLAYERS if shutil.which(words[0])), None)
    with keys() as keyboard:
        for index, capture in enumerate(captures, 1):
            _prompt(screen, f"{index} of {len(captures)}  {_line(capture)}")
            _prompt(screen, f"{_question(capture)}, q: end{', p: play' if player else ''}")
            keyboard.forget()
            while True:
                key = keyboard.pressed(3600.0) if keyboard.is_there else sys.stdin.read(1).lower()
                if key == "p" and player:
                    subprocess.run([*player, str(folder.root / capture.file)], check=False, stdout=_STDERR)
                if key in ("q", "") and not (key == "" and keyboard.is_there):
                    break
                if key and (told := folder.sort(capture, key)) is not None:
                    screen.print(f"  {told}")
                    verdict = told.split(",")[0]
                    counts[verdict] = counts.get(verdict, 0) + 1
                    break
            if key in ("q", ""):
                break
    left = len(folder.unsorted())
    screen.print(f"{sum(counts.values())} sorted, {left} left in {folder.root / UNSORTED}.")
    return {"sorted": counts, "unsorted": left}
