"""``kws-host info``: what runs on the device."""

import argparse
import dataclasses

from kws_reference.cli import program
from kws_reference.protocol.messages import Fault, Info, NamesKind, SettingsOrigin, Stats

from kws_host import detector_settings, options, report
from kws_host.detector_settings import HeldSettings
from kws_host.device import Device
from kws_host.target import open_device


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a device says of itself."""

    info: Info
    labels: list[str]
    states: list[str]
    stats: Stats
    fault: Fault
    detector: HeldSettings | None

    @classmethod
    def of(cls, device: Device) -> "Answers":
        """Asks."""
        stats, fault = device.stats(), device.fault()
        labels, states = device.names(NamesKind.LABELS), device.names(NamesKind.STATES)
        return cls(device.info, labels, states, stats, fault, detector_settings.held_by(device))


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("info", help="tell what runs on the device", description=__doc__)
    options.add_target(parser)
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Asks and prints."""
    report.require_writable(args.json)
    with open_device(options.target_of(args)) as device:
        answers = Answers.of(device)
    if args.json:
        report.write_json(args.json, _json(answers))
    if args.json != "-":
        print(_text(answers))
    return program.OK


def _json(answers: Answers) -> dict:
    return dataclasses.asdict(answers) | {
        "fault": dataclasses.asdict(answers.fault) if answers.fault.count else None,
        "detector": answers.detector.json() if answers.detector else None,
    }


def _text(answers: Answers) -> str:
    info, stats, states, fault = answers.info, answers.stats, answers.states, answers.fault
    stack = (
        f"{stats.stack_used_bytes:,} of {stats.stack_size_bytes:,} bytes used"
        if stats.stack_size_bytes
        else "not measured"
    )
    dropped = stats.frames_bad_cobs + stats.frames_too_short + stats.frames_too_long + stats.frames_bad_crc
    rows = [
        ("board", info.board),
        ("firmware", f"{info.firmware_version}, engine {info.engine}"),
        ("model", f"{info.model_name}, SHA-256 {info.model_sha256[:16]}..."),
        ("labels", ", ".join(answers.labels)),
        (
            "audio",
            f"{info.sample_rate_hz} Hz, window {info.window_samples}, hop {info.hop_samples} samples, "
            f"{info.frames_per_step} frames a step",
        ),
        ("clock", f"counts {info.unit}" if info.clock_kind else "none"),
        ("states", f"{len(states)}: {', '.join(states)}"),
        (
            "memory",
            f"engine {info.state_bytes:,} state + {info.scratch_bytes:,} scratch, front end {stats.frontend_bytes:,}, "
            f"detector {stats.detector_bytes:,}, link {stats.link_bytes:,}, audio {stats.audio_ring_bytes:,} bytes of "
            f"RAM; weights {info.weights_bytes:,} bytes of flash",
        ),
        ("stack", stack),
        ("detector", _detector(answers)),
        (
            "link",
            f"{stats.frames_ok} frames, {dropped} dropped, {stats.errors_sent} errors, "
            f"{stats.serial_overruns} bytes lost by the port",
        ),
        ("last fault", f"{fault} (number {fault.count})" if fault.count else "none"),
    ]
    return "\n".join(f"{name:<11} {value}" for name, value in rows)


def _detector(answers: Answers) -> str:
    held = answers.detector
    if held is None:
        return "cannot be tuned: the firmware is from before that"
    config = held.config
    origin = "as generated" if held.origin == SettingsOrigin.GENERATED else f"tuned ({held.origin.name.lower()})"
    steps = f"smoothing {config.smoothing_steps}, run {config.run_steps}, refractory {config.refractory_steps} steps"
    return f"{origin}; {steps}"
