"""``kws-host evaluate``: a whole test set through the firmware on emulated cores, against the Python reference."""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import logging
import os
import struct
import subprocess
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import kws_reference
import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline
from kws_reference.system import workers

from kws_host import clips as clip_list
from kws_host import emulator, options, report

log = logging.getLogger(__name__)

CLIPS_PER_RUN = 60
RUN_TIMEOUT_S = 300.0  # of CLIPS_PER_RUN clips, which take well under a minute


@dataclasses.dataclass(frozen=True)
class ClipSteps:
    """All results of one clip, as in the bulk files of host/PROTOCOL.md.

    Attributes:
      feature_crcs: uint32 ``[steps]``.
      scores: int8 ``[steps, labels]``.
      events: uint16 ``[steps, 2]``: detected label (255: none) and its smoothed posterior.
    """

    feature_crcs: np.ndarray
    scores: np.ndarray
    events: np.ndarray


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "evaluate", help="run a whole test set on emulated cores and in Python", description=__doc__
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folders of WAV files named after their label")
    options.add_bundle(parser)
    parser.add_argument("--board", default="mps2_an386", help="emulated board, or environment (default: %(default)s)")
    parser.add_argument("--elf", type=Path, help="firmware (default: .pio/build/BOARD/firmware.elf)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="emulators at once (default: cores)")
    parser.add_argument("--limit", type=int, metavar="N", help="only N recordings, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of --limit's draw (default: 0)")
    parser.add_argument(
        "--cache", type=Path, help="folder of reference results (default: $KWS_CACHE or ~/.cache/kws-kit)"
    )
    parser.add_argument("--no-cache", action="store_true", help="compute the reference anew")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluates. Returns 1 when the device and Python differ anywhere."""
    if args.jobs < 1:
        raise KwsError(f"--jobs must be at least 1. Received: {args.jobs}.")
    report.require_writable(args.json)
    start = time.monotonic()
    bundle = Bundle.load(args.bundle)
    elf = args.elf or options.firmware_of(args.board)
    emulator.command(emulator.EmulatorConfig(board=args.board, elf=elf))  # names what is missing before the work
    clips = clip_list.find([args.folder], bundle, limit=args.limit, seed=args.seed)
    audio = _read_all(clips, bundle)
    short = clip_list.shorter_than_a_step(bundle, audio)
    cache = (
        None if args.no_cache else args.cache or Path(os.environ.get("KWS_CACHE", Path.home() / ".cache" / "kws-kit"))
    )
    began = time.monotonic()
    reference, cached = reference_results(bundle, audio, jobs=args.jobs, cache=cache)
    reference_s = time.monotonic() - began
    began = time.monotonic()
    device = device_results(bundle, audio, board=args.board, elf=elf, jobs=args.jobs)
    device_s = time.monotonic() - began
    heard = [clip_list.heard_step(bundle, pcm, clip.expected) for clip, pcm in zip(clips, audio, strict=True)]
    result = summarise(bundle, clips, device, reference, heard)
    result |= {
        "board": args.board,
        "model": bundle.name,
        "model_sha256": bundle.model_sha256,
        "device_seconds": round(device_s, 1),
        "reference_seconds": round(reference_s, 1),
        "reference_cached": cached,
        "total_seconds": round(time.monotonic() - start, 1),
        "jobs": args.jobs,
    }
    if args.json:
        report.write_json(args.json, result)
    if args.json != "-":
        if long := clip_list.longer_than_a_second(bundle, audio):
            print(long)
        if short:
            print(short)
        _print(result)
    return program.CHECK_FAILED if result["differing_clips"] else program.OK


def _read_all(clips: Sequence[clip_list.Clip], bundle: Bundle) -> list[np.ndarray]:
    progress = Progress("reading", len(clips))
    audio = []
    for index, clip in enumerate(clips, 1):
        audio.append(clip.read(bundle))
        progress.update(index)
    return audio


# --- the device ---


def bulk_input(audio: Sequence[np.ndarray]) -> bytes:
    """The firmware's bulk input file."""
    parts = [struct.pack("<4sII", b"KWSB", 1, len(audio))]
    for pcm in audio:
        parts += [struct.pack("<I", len(pcm)), np.asarray(pcm, "<i2").tobytes()]
    return b"".join(parts)


def parse_bulk_output(data: bytes, bundle: Bundle, clips: int) -> list[ClipSteps]:
    """Reads the firmware's bulk output file.

    Raises:
      KwsError: the file is cut off or damaged, or another model made it.
    """
    labels = len(bundle.labels)
    try:
        magic, version, count, device_labels = struct.unpack_from("<4sIII", data)
        if magic != b"KWSR" or version != 1 or count != clips:
            raise KwsError(f"the device's results start with {data[:12].hex()}: not what this program reads")
        if data[16:48].hex() != bundle.model_sha256 or device_labels != labels:
            raise KwsError(
                f"the device runs model {data[16:48].hex()[:12]}..., the bundle {bundle.path} holds "
                f"{bundle.model_sha256[:12]}...: generate and build the firmware for this bundle"
            )
        record = np.dtype([("crc", "<u4"), ("scores", "i1", (labels,)), ("label", "u1"), ("smoothed", "<u2")])
        at, total, results = 48, 0, []
        for _ in range(clips):
            (steps,) = struct.unpack_from("<I", data, at)
            rows = np.frombuffer(data, record, steps, at + 4)
            at += 4 + steps * record.itemsize
            total += steps
            events = np.stack([rows["label"].astype(np.uint16), rows["smoothed"]], axis=1)
            results.append(ClipSteps(rows["crc"].copy(), rows["scores"].copy(), events))
        if struct.unpack_from("<4sI", data, at) != (b"KWSE", total) or len(data) != at + 8:
            raise KwsError("the device's results do not end where they should")
    except (struct.error, ValueError):
        raise KwsError(f"the device's results are cut off after {len(data)} bytes") from None
    return results


class Runs:
    """The emulators that run now, so that they can be stopped at once from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen] = []
        self._stopped = False

    def add(self, process: subprocess.Popen) -> None:
        """Takes a process that has just been started; kills it when `stop` has been called."""
        with self._lock:
            self._processes = [other for other in self._processes if other.poll() is None] + [process]
            if self._stopped:
                process.kill()

    def stop(self) -> None:
        """Kills every emulator, also those that are added later."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()  # does nothing to one that has ended


def _run_device(bundle: Bundle, audio: Sequence[np.ndarray], board: str, elf: Path, runs: Runs) -> list[ClipSteps]:
    with tempfile.TemporaryDirectory(prefix="kws-bulk-") as name:
        folder = Path(name)
        (folder / "in.bin").write_bytes(bulk_input(audio))
        config = emulator.EmulatorConfig(
            board=board, elf=elf.resolve(), icount=False, arguments=("bulk", "in.bin", "out.bin")
        )
        result = emulator.run(config, RUN_TIMEOUT_S, on_start=runs.add, cwd=folder, capture_output=True)
        if result.returncode:
            said = emulator.first_line((result.stdout + b"\n" + result.stderr).decode("utf-8", "replace"))
            raise KwsError(f"the firmware ended with status {result.returncode}: {said or 'no reason given'}")
        if not (folder / "out.bin").is_file():
            raise KwsError(f"{elf} wrote no results: it does not know bulk runs. Build this kit's firmware.")
        return parse_bulk_output((folder / "out.bin").read_bytes(), bundle, len(audio))


def device_results(bundle: Bundle, audio: Sequence[np.ndarray], *, board: str, elf: Path, jobs: int) -> list[ClipSteps]:
    """Runs all recordings on emulated boards, several at once; the first failure ends them all."""
    parts = [audio[start : start + CLIPS_PER_RUN] for start in range(0, len(audio), CLIPS_PER_RUN)]
    progress, done = Progress(f"{board} x {jobs}", len(audio)), 0
    runs = Runs()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [pool.submit(_run_device, bundle, part, board, elf, runs) for part in parts]
            for future in concurrent.futures.as_completed(futures):
                done += len(future.result())
                progress.update(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            runs.stop()  # leaving the pool waits for its threads, and they for their emulators
            raise
    return [clip for future in futures for clip in future.result()]


# --- the reference ---

_pipeline: Pipeline | None = None


def _start_worker(bundle_path: str) -> None:
    global _pipeline
    _pipeline = Pipeline(Bundle.load(bundle_path))


def _reference_of(pcm: np.ndarray) -> ClipSteps:
    steps = _pipeline.run(pcm)
    labels = len(_pipeline.bundle.labels)
    events = [(s.detection.label, s.detection.smoothed_q15) if s.detection else (255, 0) for s in steps]
    return ClipSteps(
        np.array([zlib.crc32(step.features.tobytes()) for step in steps], np.uint32),
        np.array([step.scores for step in steps], np.int8).reshape(len(steps), labels),
        np.array(events, np.uint16).reshape(len(steps), 2),
    )


def _digest(bundle: Bundle, audio: Sequence[np.ndarray]) -> str:
    """Of everything that the reference's results depend on: bundle, audio, its own source, the interpreter."""
    from importlib import metadata

    digest = hashlib.sha256()
    for path in sorted(Path(kws_reference.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    digest.update(f"{metadata.version('tflite-micro')} {metadata.version('numpy')}".encode())
    digest.update(json.dumps(bundle.manifest, sort_keys=True).encode() + bundle.model)
    for pcm in audio:
        digest.update(struct.pack("<I", len(pcm)) + np.asarray(pcm, "<i2").tobytes())
    return digest.hexdigest()


def reference_results(
    bundle: Bundle, audio: Sequence[np.ndarray], *, jobs: int, cache: Path | None
) -> tuple[list[ClipSteps], bool]:
    """Computes all recordings in Python, in several processes, or reads an earlier run's results.

    Returns:
      The results, and whether they came from the cache.
    """
    path = cache / f"reference-{_digest(bundle, audio)[:32]}.npz" if cache else None
    if path and path.is_file():
        try:
            return _load(path), True
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            log.warning(f"{path} cannot be read and is computed anew")
    progress, results = Progress("reference", len(audio)), []
    with workers.pool(min(jobs, max(1, len(audio))), _start_worker, str(bundle.path)) as pool:
        for result in pool.map(_reference_of, audio, chunksize=16):
            results.append(result)
            progress.update(len(results))
    if path:
        _save(path, results)
    return results, False


def _save(path: Path, results: Sequence[ClipSteps]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez_compressed(
                file,
                counts=np.array([len(r.feature_crcs) for r in results]),
                crcs=np.concatenate([r.feature_crcs for r in results]),
                scores=np.concatenate([r.scores for r in results]),
                events=np.concatenate([r.events for r in results]),
            )
        os.replace(file.name, path)
    except OSError as error:
        log.warning(f"the reference's results are not kept ({error})")


def _load(path: Path) -> list[ClipSteps]:
    with np.load(path) as data:
        ends = np.cumsum(data["counts"])[:-1]
        parts = (np.split(data[key], ends) for key in ("crcs", "scores", "events"))
        return [ClipSteps(*part) for part in zip(*parts, strict=True)]


# --- the comparison ---


def _first_difference(device: ClipSteps, reference: ClipSteps) -> str:
    """Step and stage of the first difference, "" when there is none."""
    if len(device.feature_crcs) != len(reference.feature_crcs):
        return f"{len(device.feature_crcs)} steps on the device, {len(reference.feature_crcs)} in Python"
    stages = (
        ("features", device.feature_crcs != reference.feature_crcs),
        ("scores", (device.scores != reference.scores).any(axis=1)),
        ("detection", (device.events != reference.events).any(axis=1)),
    )
    places = [(int(np.argmax(differs)), order, stage) for order, (stage, differs) in enumerate(stages) if differs.any()]
    if not places:
        return ""
    step, _, stage = min(places)
    return f"step {step}, stage {stage}"


def _heard(bundle: Bundle, scores: np.ndarray, step: int) -> str:
    return bundle.labels[int(np.argmax(scores[min(step, len(scores) - 1)]))]


def summarise(
    bundle: Bundle,
    clips: Sequence[clip_list.Clip],
    device: Sequence[ClipSteps],
    reference: Sequence[ClipSteps],
    steps: Sequence[int],
) -> dict:
    """Accuracy on both sides, agreement clip by clip. A clip is heard as the best score after its step of `steps`."""
    differing, right, right_reference, labelled = [], 0, 0, 0
    confusion = {label: dict.fromkeys(bundle.labels, 0) for label in bundle.labels}
    for clip, seen, wanted, step in zip(clips, device, reference, steps, strict=True):
        if difference := _first_difference(seen, wanted):
            differing.append({"clip": clip.name, "first": difference})
        if not clip.expected or not len(seen.scores) or not len(wanted.scores):
            continue
        labelled += 1
        heard = bundle.labels[int(np.argmax(seen.scores[min(step, len(seen.scores) - 1)]))]
        confusion[clip.expected][heard] += 1
        right += heard == clip.expected
        right_reference += (
            bundle.labels[int(np.argmax(wanted.scores[min(step, len(wanted.scores) - 1)]))] == clip.expected
        )
    return {
        "clips": len(clips),
        "labelled": labelled,
        "steps": int(sum(len(result.scores) for result in device)),
        "right_on_device": right,
        "right_in_python": right_reference,
        "accuracy_on_device": right / labelled if labelled else None,
        "accuracy_in_python": right_reference / labelled if labelled else None,
        "agreeing_clips": len(clips) - len(differing),
        "differing_clips": len(differing),
        "differences": differing[:100],
        "confusion": confusion,
    }


def _print(result: dict) -> None:
    for difference in result["differences"][:10]:
        print(f"DIFFERS clip {difference['clip']}, {difference['first']}")
    rows = []
    for label, heard in result["confusion"].items():
        total = sum(heard.values())
        wrong = {name: count for name, count in heard.items() if name != label and count}
        worst = ", ".join(f"{name} {count}" for name, count in sorted(wrong.items(), key=lambda x: -x[1])[:3])
        share = f"{100 * heard[label] / total:.1f} %" if total else "-"
        rows.append((label, total, heard[label], share, worst or "-"))
    print(report.table(("label", "clips", "right", "share", "most often heard instead"), rows, right=(1, 2, 3)))
    if result["labelled"]:
        print(
            f"Accuracy measured on {result['board']}: {100 * result['accuracy_on_device']:.2f} % "
            f"({result['right_on_device']} of {result['labelled']}); "
            f"in Python: {100 * result['accuracy_in_python']:.2f} %."
        )
    print(
        f"{result['agreeing_clips']} of {result['clips']} clips agree with Python in every feature frame, score and "
        f"detection of {result['steps']:,} steps. Device {result['device_seconds']} s ({result['jobs']} emulators), "
        f"reference {result['reference_seconds']} s{' (cached)' if result['reference_cached'] else ''}, "
        f"all {result['total_seconds']} s."
    )
