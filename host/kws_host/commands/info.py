"""``kws-host info``: what runs on the device."""

import argparse
import dataclasses

from kws_reference.protocol.messages import NamesKind

from kws_host import options, report


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("info", help="tell what runs on the device", description=__doc__)
    options.add_port(parser)
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Asks and prints."""
    with options.open_device(args) as device:
        info, stats, fault = device.info, device.stats(), device.fault()
        labels, states = device.names(NamesKind.LABELS), device.names(NamesKind.STATES)
    if args.json:
        result = {"info": dataclasses.asdict(info), "labels": labels, "states": states}
        result |= {"stats": dataclasses.asdict(stats), "fault": dataclasses.asdict(fault) if fault.count else None}
        report.write_json(args.json, result)
        if args.json == "-":
            return 0
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
        ("labels", ", ".join(labels)),
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
        (
            "link",
            f"{stats.frames_ok} frames, {dropped} dropped, {stats.errors_sent} errors, "
            f"{stats.serial_overruns} bytes lost by the port",
        ),
        ("last fault", f"{fault} (number {fault.count})" if fault.count else "none"),
    ]
    print("\n".join(f"{name:<11} {value}" for name, value in rows))
    return 0
