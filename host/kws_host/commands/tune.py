"""``kws-host tune``: other thresholds and smoothing on a board that runs, tried, kept and saved without flashing."""

import argparse
import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, DetectorConfig, write_detector
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.detector.integer import ONE_Q15
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, DetectionRecord, SettingsOrigin

from kws_host import clips, detector_settings, microphone, options, report
from kws_host.detector_settings import HeldSettings
from kws_host.device import Device
from kws_host.screen import Screen, table
from kws_host.target import open_device, require_model
from kws_host.tuning import Changes, ClipTrial, by_label, try_out

MOST_LISTEN_S = 24 * 3600
ORIGINS = {
    SettingsOrigin.GENERATED: "those it was generated with",
    SettingsOrigin.SET: "set since its start",
    SettingsOrigin.KEPT: "kept over a start",
}

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "tune", help="change thresholds and smoothing of a board that runs", description=__doc__
    )
    parser.add_argument("audio", nargs="*", type=Path, metavar="AUDIO", help="recordings to try the settings on")
    options.add_bundle(parser)
    parser.set_defaults(bundle=None)  # so that --save knows whether it was given
    options.add_target(parser)
    microphone.add_options(parser, waits=False)
    _add_settings(parser)
    group = parser.add_argument_group("what becomes of them (else they hold until the board's next start)")
    group.add_argument("--keep", action="store_true", help="keep them on the board, over its next start")
    group.add_argument(
        "--save",
        action="store_true",
        help="write them into the bundle of --bundle, for the next kws-codegen generate",
    )
    group.add_argument("--forget", action="store_true", help="back to the generated settings, and keep none")
    parser.add_argument(
        "--duration", type=float, metavar="S", help="show what the microphone raises for so many seconds"
    )
    options.add_limit(parser)
    options.add_json(parser)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "settings", "P is a posterior from 0 to 1, or 'never'; without LABEL= it is every keyword's. May be repeated."
    )
    for name, text in (
        ("threshold", "what raises a label"),
        ("busy-threshold", "the same when it was not quiet just now"),
        ("release", "below which a raised label may be raised again"),
        ("quiet-level", "below which all labels are when it is quiet"),
    ):
        group.add_argument(f"--{name}", action="append", default=[], metavar="[LABEL=]P", help=text)
    for name, field, text in (
        ("smoothing", "smoothing_steps", "posteriors that are averaged"),
        ("run", "run_steps", "steps in a row that must reach the threshold"),
        ("refractory", "refractory_steps", "steps after a detection without another one"),
        ("quiet-steps", "quiet_steps", "last steps of which one must be quiet"),
    ):
        group.add_argument(f"--{name}", dest=field, type=int, metavar="STEPS", help=text)
    group.add_argument("--from-bundle", action="store_true", help="begin with the bundle's, not with the board's")


def run(args: argparse.Namespace) -> int:
    """Tunes. Returns 1 when the board detects otherwise than the reference with the same settings."""
    report.require_writable(args.json)
    changes, source = _changes(args), microphone.source_of(args)
    bundle = Bundle.load(args.bundle or options.default_bundle())
    chosen = clips.find(args.audio, bundle, limit=args.limit, seed=args.seed) if args.audio else []
    audio = [clip.read(bundle) for clip in chosen]
    screen = Screen(args.json, None)
    with (
        microphone.emulating(options.target_of(args), args.heard) as target,
        open_device(target) as device,
    ):
        microphone.require_rate(target, device)
        require_model(device, bundle)
        before, after = _set(device, bundle, args, changes)
        for line in _settings_lines(device, bundle, before, after):
            screen.print(line)
        tuned = dataclasses.replace(bundle, detector=after.config)
        progress = Progress("trying", len(chosen))
        trials = try_out(device, tuned, before.config, chosen, audio, progress.update)
        if trials:
            for line in _trial_lines(tuned, trials):
                screen.print(line)
        if args.duration is not None:
            _listen(device, bundle, screen, source, args.duration)
    failed = any(trial.mismatches for trial in trials)
    if args.save and failed:
        log.warning("the settings are not saved: the board detects otherwise than the reference")
    elif args.save:
        write_detector(bundle, after.config)
        screen.print(f"Saved to {bundle.path}: kws-codegen generate makes firmware that begins with them.")
    if args.json:
        report.write_json(args.json, _json(device, tuned, before, after, trials, saved=args.save and not failed))
    return program.CHECK_FAILED if failed else program.OK


def _changes(args: argparse.Namespace) -> Changes:
    changes = Changes(
        tuple(args.threshold),
        tuple(args.busy_threshold),
        tuple(args.quiet_level),
        tuple(args.release),
        args.smoothing_steps,
        args.run_steps,
        args.refractory_steps,
        args.quiet_steps,
    )
    if args.forget and (changes != Changes() or args.keep or args.from_bundle):
        raise KwsError("--forget takes the generated settings and keeps none: leave the other settings and --keep away")
    if args.save and args.bundle is None:
        raise KwsError(
            "--save needs --bundle: the kit's released model stays as it is. Copy its folder, and give the copy."
        )
    if args.heard and args.duration is None:
        raise KwsError("--heard is for --duration S: give that too, or leave it away")
    if args.duration is not None and not 0 < args.duration <= MOST_LISTEN_S:
        raise KwsError(
            f"--duration must be above 0 and at most {MOST_LISTEN_S:,} seconds. Received: {args.duration:g}."
        )
    return changes


def _set(
    device: Device, bundle: Bundle, args: argparse.Namespace, changes: Changes
) -> tuple[HeldSettings, HeldSettings]:
    """Gives the board what is wanted. Returns what it held before, and what it holds now."""
    before = detector_settings.require_held(device)
    if args.forget:
        detector_settings.forget(device)
    elif changes != Changes() or args.from_bundle or args.keep:
        start = bundle.detector if args.from_bundle else before.config
        detector_settings.use(device, changes.apply(bundle, start), keep=args.keep)
    return before, detector_settings.require_held(device)


def _settings_lines(device: Device, bundle: Bundle, before: HeldSettings, after: HeldSettings) -> list[str]:
    board, step_s = device.info.board, bundle.clock.step_s
    lines = [f"{board}, model {bundle.name}: settings are {ORIGINS[after.origin]}."]
    old, new = before.config, after.config
    for name, what in (
        ("smoothing_steps", "smoothing"),
        ("run_steps", "run"),
        ("refractory_steps", "refractory"),
        ("quiet_steps", "quiet for"),
    ):
        was, now = getattr(old, name), getattr(new, name)
        change = f", before {was}" if was != now else ""
        lines.append(f"{what:<11} {now} steps ({now * step_s:.2f} s){change}")
    rows = [
        (label, *(_change(was, now) for was, now in zip(_levels(old, index), _levels(new, index), strict=True)))
        for index, label in enumerate(bundle.labels)
    ]
    lines.append(table(("label", "threshold", "busy", "release", "quiet"), rows, right=(1, 2, 3, 4)))
    return lines


def _levels(config: DetectorConfig, label: int) -> tuple[str, str, str, str]:
    threshold, release = config.threshold_q15[label], config.release_q15[label]
    return (
        "never" if threshold == NEVER_Q15 else _share(threshold),
        "never" if config.when_busy_q15[label] == NEVER_Q15 else _share(config.when_busy_q15[label]),
        "at once" if release == NOT_HELD_Q15 else _share(release),
        _share(config.quiet_q15[label]),
    )


def _share(level_q15: int) -> str:
    return f"{level_q15 / ONE_Q15:.4f}"


def _change(was: str, now: str) -> str:
    return now if was == now else f"{was} -> {now}"


def _trial_lines(bundle: Bundle, trials: Sequence[ClipTrial]) -> list[str]:
    rows = [
        (
            label,
            result.clips,
            _change(str(result.heard_before), str(result.heard_after)),
            _change(str(result.elsewhere_before), str(result.elsewhere_after)),
        )
        for label, result in by_label(bundle, trials).items()
    ]
    mismatches = sum(trial.mismatches for trial in trials)
    verdict = "as the reference raises them" if not mismatches else "CHECK FAILED"
    events = sum(len(trial.after) for trial in trials)
    return [
        table(("label", "clips", "raised it", "raised elsewhere"), rows, right=(1, 2, 3)),
        f"{len(trials)} recordings, {events} detections by the board with these settings, {mismatches} mismatches: "
        f"{verdict}. Before: {sum(len(trial.before) for trial in trials)}.",
    ]


def _listen(device: Device, bundle: Bundle, screen: Screen, source: messages.SetSource, seconds: float) -> None:
    """Shows detections. What ends the settings or the audio, as a restart does, ends it by an error."""
    end_s = time.monotonic() + seconds
    with microphone.started(device, source, Config.NONE):
        try:
            for event in microphone.events(device):
                if isinstance(event, DetectionRecord):
                    label = dict(enumerate(bundle.labels)).get(event.label, f"label {event.label}")
                    share = event.smoothed_q15 / ONE_Q15
                    screen.print(f"{bundle.clock.end_s(event.step):9.2f} s  {label:<12} {share:.4f}")
                if time.monotonic() > end_s:
                    break
        except KeyboardInterrupt:
            pass
        except microphone.MicrophoneEnded as error:
            log.warning(str(error))


def _json(
    device: Device,
    bundle: Bundle,
    before: HeldSettings,
    after: HeldSettings,
    trials: Sequence[ClipTrial],
    *,
    saved: bool,
) -> dict:
    labels = bundle.labels
    return {
        "device": dataclasses.asdict(device.info),
        "bundle": {"name": bundle.name, "model_sha256": bundle.model_sha256},
        "before": before.json(),
        "after": after.json(),
        "saved": saved,
        "labels": {label: dataclasses.asdict(result) for label, result in by_label(bundle, trials).items()}
        if trials
        else {},
        "clips": [
            {
                "clip": trial.clip.name,
                "expected": trial.clip.expected,
                "before": [labels[index] for index in trial.before],
                "after": [labels[index] for index in trial.after],
                "mismatches": trial.mismatches,
            }
            for trial in trials
        ],
        "mismatches": sum(trial.mismatches for trial in trials),
    }
