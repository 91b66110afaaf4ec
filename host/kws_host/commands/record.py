"""``kws-host record``: what the board's own microphone hears, as WAV: words for training, or plain minutes."""

import argparse
import dataclasses
import logging
import math
import sys
from pathlib import Path

import numpy as np
from kws_reference.cli import program
from kws_reference.errors import KwsError
from kws_reference.labels import words_of
from kws_reference.protocol import messages
from kws_reference.protocol.messages import AudioHeard, Config

from kws_host import microphone, options, report
from kws_host.device import Device
from kws_host.heard_audio import LONGEST_WAV_SAMPLES, HeardAudio
from kws_host.keys import Keys, keys
from kws_host.plain_recording import PlainRecording, piece_path
from kws_host.screen import Screen
from kws_host.takes import QUIETEST_DB, TAKE_S, Take, TakeFolder, check_speaker, decibels, level_db

MOST_REFUSED = 5
"""Takes of a word in a row, where nobody can be asked."""
MOST_SECONDS = 24 * 3600
LEAST_TAKE_S = 1.0
METER_WIDTH = 40
METER_DB = 60

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Session:
    """What is recorded, and how far it has come: a board that was unplugged goes on from here.

    Attributes:
      source: the microphone.
      screen: for results.
      kept: files written.
      refused: takes that were of no use.
      lost_samples: of plain recordings, on the way and by the board.
      seconds: that plain recordings have.
    """

    source: messages.SetSource
    screen: Screen
    kept: list[Path] = dataclasses.field(default_factory=list)
    refused: int = 0
    lost_samples: int = 0
    seconds: float = 0.0


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("record", help="record what the board's microphone hears", description=__doc__)
    options.add_target(parser)
    microphone.add_options(parser)
    group = parser.add_argument_group("words, each in a folder of its own")
    group.add_argument("--words", metavar="WORD,...", help="words or phrases to be said")
    group.add_argument("--count", type=int, default=10, metavar="N", help="takes of each that there are at the end")
    group.add_argument("--speaker", metavar="NAME", help="whose takes they are: NAME_nohash_0.wav")
    group.add_argument(
        "--take", type=float, default=TAKE_S, metavar="S", help="seconds for each (default: %(default)g)"
    )
    group.add_argument(
        "--quietest", type=float, default=QUIETEST_DB, metavar="DB", help="quieter takes are refused (default: -36)"
    )
    parser.add_argument("--duration", type=float, metavar="S", help="record plainly for so long, into one file")
    parser.add_argument("--out", type=Path, required=True, help="folder of the words, or the plain recording's file")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Records. Returns 1 when samples of a plain recording were lost, or takes are missing."""
    report.require_writable(args.json)
    session = Session(microphone.source_of(args), Screen(args.json))
    if (args.words is None) == (args.duration is None):
        raise KwsError("give --words and --speaker, or --duration for a plain recording")
    with microphone.emulating(options.target_of(args), args.heard) as target:
        if args.duration is not None:
            _check_plain(args)
            missing = microphone.with_reconnects(
                target, args.wait, lambda device: _record_plain(device, session, args.duration, args.out)
            )
        else:
            words, folder = _words(args)
            with keys() as keyboard:
                try:
                    missing = microphone.with_reconnects(
                        target, args.wait, lambda device: _record_words(device, session, args, words, folder, keyboard)
                    )
                except (KeyboardInterrupt, microphone.MicrophoneEnded) as error:
                    if not session.kept:
                        raise
                    _warn_of_end(error)
                    missing = _next_word(folder, words, args.count) is not None
    if args.json:
        report.write_json(args.json, _json(session))
    return program.CHECK_FAILED if missing else program.OK


def _check_plain(args: argparse.Namespace) -> None:
    if not 0 < args.duration <= MOST_SECONDS:
        raise KwsError(f"--duration must be above 0 and at most {MOST_SECONDS:,}. Received: {args.duration:g}.")
    report.require_writable(args.out)
    if args.out.exists():
        raise KwsError(f"{args.out} is there already, and stays as it is. Give another --out.")


def _warn_of_end(error: BaseException) -> None:
    log.warning(f"stopped early: {error or 'interrupted'}")


def _words(args: argparse.Namespace) -> tuple[tuple[str, ...], TakeFolder]:
    if args.speaker is None:
        raise KwsError("--speaker is missing: the split of a data set goes by speakers. Give a name, such as anna.")
    if not 1 <= args.count <= 10_000:
        raise KwsError(f"--count must be 1 to 10,000. Received: {args.count}.")
    if not LEAST_TAKE_S <= args.take <= 60:
        raise KwsError(f"--take must be {LEAST_TAKE_S:g} to 60 seconds. Received: {args.take:g}.")
    if math.isnan(args.quietest):
        raise KwsError(f"--quietest must be dB of full scale, such as {QUIETEST_DB:g}. Received: {args.quietest:g}.")
    if args.out.exists() and not args.out.is_dir():
        raise KwsError(f"{args.out} is no folder. Give one for the words' folders.")
    return words_of(args.words, "--words"), TakeFolder(args.out, check_speaker(args.speaker))


def _record_plain(device: Device, session: Session, seconds: float, path: Path) -> bool:
    """Records what is missing, a piece after each unplug. Returns whether some of it is missing or was lost."""
    rate_hz = device.info.sample_rate_hz
    if seconds * rate_hz > LONGEST_WAV_SAMPLES:
        raise KwsError(
            f"--duration must be at most {LONGEST_WAV_SAMPLES // rate_hz:,} for a WAV file of {rate_hz} Hz. "
            f"Received: {seconds:g}."
        )
    wanted = round((seconds - session.seconds) * rate_hz)
    has_ended = False
    heard, meter = HeardAudio(0), Meter()
    piece = PlainRecording(piece_path(path, len(session.kept) + 1), rate_hz)
    try:
        with microphone.started(device, session.source, Config.AUDIO):
            try:
                for event in microphone.events(device):
                    if isinstance(event, AudioHeard):
                        start = heard.samples
                        meter.show(heard.add(event), f"{heard.samples / rate_hz:7.1f} s")
                        piece.write(heard.pcm(start, wanted))
                        if heard.samples >= wanted:
                            break
            except (KeyboardInterrupt, microphone.MicrophoneEnded) as error:
                _warn_of_end(error)
                has_ended = isinstance(error, microphone.MicrophoneEnded)
            session.lost_samples += device.stats().microphone_lost_samples
    finally:
        meter.clear()
        session.lost_samples += heard.lost_samples
        _tell_piece(session, piece, rate_hz)
    if not session.kept:
        raise KwsError(f"{device.info.board} sent no audio: nothing is written")
    if session.lost_samples:
        session.screen.print(
            f"LOST {session.lost_samples:,} samples. Those lost on the way are zeros. A faster port, a shorter cable."
        )
    if len(session.kept) > 1:
        log.warning(f"the recording has a break in each place where the board was away: {len(session.kept)} files")
    return has_ended or bool(session.lost_samples) or len(session.kept) > 1


def _tell_piece(session: Session, piece: PlainRecording, rate_hz: int) -> None:
    """Closes a piece, whatever ended it, and tells what it is."""
    piece.close()
    if piece.samples:
        session.kept.append(piece.path)
        session.seconds += piece.samples / rate_hz
        peak_db = decibels(piece.peak)
        session.screen.print(f"{piece.path}: {piece.samples / rate_hz:.2f} s, {peak_db:.1f} dB at its loudest.")


def _record_words(
    device: Device,
    session: Session,
    args: argparse.Namespace,
    words: tuple[str, ...],
    folder: TakeFolder,
    keyboard: Keys,
) -> bool:
    """Records what is missing. Returns whether something still is."""
    with microphone.started(device, session.source, Config.AUDIO):
        booth = Booth(device, args.take)
        refused = 0
        while (word := _next_word(folder, words, args.count)) is not None:
            prompt = f'"{word}", {len(folder.numbers(word)) + 1} of {args.count}'
            if keyboard.is_there:
                key = booth.wait_for_key(f"{prompt}: press a key and say it (r: the last one again, q: end)", keyboard)
                if key == "q":
                    break
                if key == "r" and session.kept:
                    session.kept.pop().unlink(missing_ok=True)
                    continue
            take = booth.take(f"{prompt}: say it now", args.quietest)
            if take.fault:
                session.refused, refused = session.refused + 1, refused + 1
                if not keyboard.is_there and refused == MOST_REFUSED:
                    raise KwsError(f'"{word}" could not be recorded: the last of {refused} takes was {take.fault}.')
                log.warning(f'"{word}" was {take.fault}. Once more, please.')
                continue
            refused = 0
            path = folder.add(word, take.pcm, device.info.sample_rate_hz)
            session.kept.append(path)
            session.screen.print(f"{path}  {take.peak_db:.1f} dB")
    return _next_word(folder, words, args.count) is not None


def _next_word(folder: TakeFolder, words: tuple[str, ...], count: int) -> str | None:
    """The word with the fewest takes; None: all have enough. Words take turns: one said ten times is said alike."""
    takes = {word: len(folder.numbers(word)) for word in words}
    word = min(words, key=lambda name: takes[name])
    return word if takes[word] < count else None


class Booth:
    """A microphone that runs on, of which takes are cut."""

    def __init__(self, device: Device, take_s: float):
        """Args: device: that hears by its microphone and sends what it hears. take_s: length of a take."""
        self._device, self._events = device, microphone.events(device)
        self._rate_hz = device.info.sample_rate_hz
        self._samples = round(take_s * self._rate_hz)
        self._heard = HeardAudio(self._samples)
        self._meter = Meter()

    def wait_for_key(self, prompt: str, keyboard: Keys) -> str:
        """Shows the level until a key is pressed. Returns it."""
        log.info(prompt)
        keyboard.forget()
        for event in self._events:
            if isinstance(event, AudioHeard):
                self._meter.show(self._heard.add(event), "waiting")
            if key := keyboard.pressed():
                self._meter.clear()
                return key
        return "q"

    def take(self, prompt: str, quietest_db: float) -> Take:
        """Listens for a take's time from now on."""
        log.info(prompt)
        dropped = self._device.stats().microphone_lost_samples
        start, lost = self._heard.samples, self._heard.lost_samples
        for event in self._events:
            if isinstance(event, AudioHeard):
                self._meter.show(self._heard.add(event), "recording")
                if self._heard.samples >= start + self._samples:
                    break
        pcm = self._heard.pcm(start, start + self._samples)
        dropped = self._device.stats().microphone_lost_samples - dropped
        self._meter.clear()
        return Take.of(pcm, self._rate_hz, self._heard.lost_samples - lost + dropped, quietest_db)


class Meter:
    """A level that is redrawn on stderr; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._blocks: list[np.ndarray] = []

    def show(self, pcm: np.ndarray, note: str) -> None:
        """Takes a piece, int16 ``[samples]``; draws at every tenth."""
        if not self._is_shown:
            return
        self._blocks.append(pcm)
        if len(self._blocks) < 10:
            return
        level = level_db(np.concatenate(self._blocks))
        self._blocks.clear()
        filled = 0 if math.isinf(level) else max(0, round(METER_WIDTH * (1 + level / METER_DB)))
        print(f"\r[{'#' * filled:<{METER_WIDTH}}] {level:6.1f} dB  {note}\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Removes it, for other lines to be written."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _json(session: Session) -> dict:
    return {
        "files": [str(path) for path in session.kept],
        "takes_refused": session.refused,
        "lost_samples": session.lost_samples,
        "seconds": round(session.seconds, 4),
    }
