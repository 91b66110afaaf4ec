"""``kws-train evaluate --stream``: long recordings, DET curve, timeline, thresholds."""

import argparse
import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.command_line import Progress
from kws_reference.errors import KwsError

from kws_training import detection
from kws_training.commands.fit import say
from kws_training.data.recordings import Recordings, RecordingSpec, Word
from kws_training.data.speech_commands import (
    SAMPLE_RATE_HZ,
    SILENCE,
    UNKNOWN,
    ClipSet,
    ClipSpec,
    FolderSpec,
    load_clips,
    load_noise,
)
from kws_training.manifest import DETECTOR_DEFAULTS

TIMELINE_S = 24.0
TIMELINE_PIECES = 6
_EVERY_UNKNOWN_PERCENT = 1e9


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``--stream``."""
    group = parser.add_argument_group("detection on long recordings")
    group.add_argument("--stream", action="store_true", help="assemble the clips to long recordings and detect words")
    group.add_argument("--hours", type=float, default=10.0, help="length of the recordings (default: 10)")
    group.add_argument("--seed", type=int, default=0, help="draws the recordings (default: 0)")
    group.add_argument("--noise", type=Path, help="folder with _background_noise_ (default: that of --validation)")
    group.add_argument("--scores", type=Path, help="keep the scores in this .npz, or take them from it")
    group.add_argument(
        "--choose-thresholds", action="store_true", help="choose thresholds and rest, with --validation only"
    )
    group.add_argument(
        "--false-accepts-per-hour", type=float, default=5.0, help="rate wanted of all keywords together (default: 5)"
    )
    group.add_argument("--write-thresholds", action="store_true", help="write the chosen ones into the bundle")


def check(args: argparse.Namespace) -> None:
    """Refuses combinations of options that mean nothing.

    Raises:
      KwsError: see there.
    """
    if not args.stream:
        if args.choose_thresholds or args.write_thresholds or args.scores or args.noise:
            raise KwsError("--choose-thresholds, --write-thresholds, --scores and --noise belong to --stream. Give it.")
        return
    if args.bundle is None:
        raise KwsError("--stream hears with the int8 model: give a bundle.")
    if args.run_folder or args.limit or args.without:
        raise KwsError("--run, --limit and --without do not go with --stream.")
    if args.write_thresholds and not args.choose_thresholds:
        raise KwsError("--write-thresholds writes what --choose-thresholds finds. Give both.")
    if args.choose_thresholds and args.test:
        raise KwsError("thresholds chosen on test clips would flatter every later figure. Give --validation.")
    if args.test and not args.noise:
        raise KwsError("--test has no background noise. Give --noise, a folder with _background_noise_.")
    if not 0 < args.hours <= 1000:
        raise KwsError(f"--hours must be above 0 and at most 1000. Received: {args.hours:g}.")
    if args.seed < 0:
        raise KwsError(f"--seed must be 0 or more. Received: {args.seed}.")
    if args.choose_thresholds:
        detection.wanted_false_accepts(args.false_accepts_per_hour, args.hours)


def run(args: argparse.Namespace) -> int:
    """Measures detection; writes ``detection_SET.json``, ``det_SET.png`` and ``timeline_SET.png``."""
    from kws_training import plots

    bundle = Bundle.load(args.bundle)
    if bundle.labels[:2] != (SILENCE, UNKNOWN) or bundle.frontend.sample_rate_hz != SAMPLE_RATE_HZ:
        raise KwsError(
            f"recordings are made for 16 kHz and labels that begin with {SILENCE}, {UNKNOWN}. "
            f"Received: {bundle.frontend.sample_rate_hz} Hz, {', '.join(bundle.labels[:2])}."
        )
    keywords = bundle.labels[2:]
    recordings = Recordings(_clips(args, keywords), RecordingSpec(hours=args.hours, seed=args.seed))
    say(f"{args.set_name}: {recordings.hours:g} hours in {len(recordings)} pieces, {len(recordings.clips)} clips")
    folder = args.out or args.bundle
    folder.mkdir(parents=True, exist_ok=True)
    scores = _scores(bundle, recordings, args.scores)
    listener = detection.Listener(bundle, recordings.pieces, scores)

    default = dataclasses.replace(
        bundle.detector,
        refractory_steps=DETECTOR_DEFAULTS["refractory_steps"],
        threshold_q15=detection.common_thresholds(bundle.labels, round(DETECTOR_DEFAULTS["threshold"] * NEVER_Q15)),
    )
    settings = {"default": default}
    if bundle.detector != default:
        settings["manifest"] = bundle.detector
    if args.choose_thresholds:
        progress = Progress("choosing thresholds", detection.choice_rounds(bundle)).update
        settings["chosen"] = detection.choose(listener, args.false_accepts_per_hour, progress)
    result = {
        "set": args.set_name,
        "model_sha256": bundle.model_sha256,
        "recordings": {**dataclasses.asdict(recordings.spec), "clips": len(recordings.clips)},
        "tolerance_ms": detection.TOLERANCE_S * 1000,
    }
    for name, detector in settings.items():
        result[name] = {**dataclasses.asdict(detector), **listener.heard(detector).to_dict(bundle.labels)}
        _say_result(name, result[name], _step_ms(bundle))
    title = f"{bundle.name}, {args.set_name}: {recordings.hours:g} hours of words, noise and silence, int8 streaming"
    last = list(settings)[-1]
    totals, labels = _curves(listener, [settings["default"].refractory_steps, settings[last].refractory_steps])
    result["det"] = {"threshold_q15": detection.curve_thresholds(), "all_keywords": totals, "alone": labels}
    marks = {name: (result[name]["false_accepts_per_hour"], 1 - result[name]["recall"]) for name in settings}
    plots.det_curve(totals, labels, marks, recordings.hours, title, folder / f"det_{args.set_name}.png")
    _timeline(bundle, recordings, listener, settings[last], last, folder / f"timeline_{args.set_name}.png")
    (folder / f"detection_{args.set_name}.json").write_text(json.dumps(result) + "\n")
    if args.write_thresholds:
        shown = {key: result["chosen"][key] for key in ("hours", "recall", "false_accepts_per_hour")}
        chosen = {"set": args.set_name, "seed": args.seed, "wanted_per_hour": args.false_accepts_per_hour, **shown}
        detection.write_detector(bundle, settings["chosen"], chosen)
        say(f"detector settings written into {args.bundle}; generate its firmware again")
    print(json.dumps({key: value for key, value in result.items() if key != "det"}))
    return 0


def _clips(args: argparse.Namespace, words: tuple[str, ...]) -> ClipSet:
    """All clips that the arguments name, with background noise."""
    if args.test:
        clips = load_clips(ClipSpec(folders=(FolderSpec(args.test, args.names),), words=words))
    else:
        if args.names:
            raise KwsError("--names chooses clips of --test. Give --test too.")
        every = _EVERY_UNKNOWN_PERCENT
        clips = load_clips(ClipSpec(args.validation, "validation", words=words, unknown_percent=every))
    if args.noise:
        noise = load_noise(args.noise)
        if not noise:
            raise KwsError(f"{args.noise} holds no _background_noise_ with .wav files. Give the folder above it.")
        clips = dataclasses.replace(clips, noise=noise)
    return clips


def _scores(bundle: Bundle, recordings: Recordings, path: Path | None) -> list[np.ndarray]:
    """The scores of each piece, from ``path`` when they are of this model and these recordings."""
    digest = hashlib.sha256(repr((bundle.model_sha256, bundle.frontend, recordings.spec)).encode())
    for array in (recordings.clips.pcm, recordings.clips.labels, *recordings.clips.noise):
        digest.update(np.ascontiguousarray(array).data)
    key = digest.hexdigest()
    if path and path.is_file():
        try:
            with np.load(path, allow_pickle=False) as kept:
                if str(kept["key"]) == key:
                    say(f"scores taken from {path}")
                    return [kept[f"piece{index}"] for index in range(len(recordings))]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            raise KwsError(f"{path} holds no scores of this command. Remove it or name another file.") from None
        raise KwsError(f"{path} holds scores of another model or recording. Remove it or name another file.")
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress("listening", len(recordings)).update
    scores = detection.stream_scores(bundle, recordings, progress)
    if path:
        with open(path, "wb") as out:
            np.savez_compressed(out, key=key, **{f"piece{index}": piece for index, piece in enumerate(scores)})
    return scores


def _curves(listener: detection.Listener, rests: list[int]) -> tuple[dict[str, list], dict[str, list]]:
    """DET points (false accepts per hour, miss rate) of all keywords for each rest, and of each alone for the last."""
    bundle, grid = listener.bundle, detection.curve_thresholds()
    spoken = listener.heard(bundle.detector).spoken
    progress, done = Progress("DET curves", 1 + len(bundle.labels)), 0
    totals, labels = {}, {}
    for rest in dict.fromkeys(rests):
        heard = listener.curve(grid, rest)
        name = f"all keywords, rest of {rest * _step_ms(bundle):g} ms"
        totals[name] = [(one.false_accepts_per_hour, 1 - one.recall) for one in heard]
        progress.update(done := done + 1)
    for row in np.flatnonzero(spoken):
        heard = listener.curve(grid, rests[-1], row)
        labels[bundle.labels[row]] = [
            (one.false_accepts_per_hour, float(1 - one.found[row] / one.spoken[row])) for one in heard
        ]
        progress.update(done := done + 1)
    return totals, labels


def _step_ms(bundle: Bundle) -> float:
    return 1000 * bundle.frames_per_step * bundle.frontend.hop_samples / bundle.frontend.sample_rate_hz


def _say_result(name: str, result: dict[str, Any], step_ms: float) -> None:
    low, high = result["false_accepts_per_hour_95"]
    causes = ", ".join(f"{count} {cause}" for cause, count in result["false_accepts_by_cause"].items())
    latency = result["latency_ms"]
    say(
        f"{name}: rest of {result['refractory_steps'] * step_ms:g} ms, "
        f"recall {100 * result['recall']:.2f} % of {result['keywords']}, "
        f"{result['false_accepts_per_hour']:.2f} false accepts per hour (95 %: {low:.2f} to {high:.2f}; {causes})"
        + (f", latency {latency['median']:.0f} ms, 90 % within {latency['percentile_90']:.0f} ms" if latency else "")
    )
    for label, row in result["labels"].items():
        threshold = result["threshold_q15"][2 + list(result["labels"]).index(label)] / NEVER_Q15
        recall = "  none spoken" if row["recall"] is None else f"{100 * row['recall']:6.2f} % of {row['keywords']}"
        say(f"  {label:10} threshold {threshold:.3f}  {recall:18} {row['false_accepts_per_hour']:6.2f} per hour")


def _timeline(
    bundle: Bundle,
    recordings: Recordings,
    listener: detection.Listener,
    detector: DetectorConfig,
    name: str,
    path: Path,
) -> None:
    """Draws the stretch of the first pieces that shows most: many different words, a missed one, a false accept."""
    from kws_training import plots

    span = round(TIMELINE_S * SAMPLE_RATE_HZ)
    best = (-1.0, 0, 0)
    for index, piece in enumerate(recordings.pieces[:TIMELINE_PIECES]):
        matched = listener.matched(index, detector)
        hit = {word.clip_start for *_, word, _ in matched if word is not None}
        false = [sample for sample, _, word, _ in matched if word is None]
        for start in range(0, max(piece.samples - span, 1), span // 8):
            inside = [word for word in piece.words if start + 8000 < word.start and word.end < start + span - 24000]
            missed = sum(word.label > 1 and word.clip_start not in hit for word in inside)
            wrong = sum(start < sample < start + span for sample in false)
            errors = sum(2 if count == 1 else 0 if count == 0 else 3 - count for count in (missed, wrong))
            best = max(best, (len({word.label for word in inside}) + len(inside) / 4 + errors, -index, -start))
    index, start = -best[1], -best[2]
    piece = recordings.pieces[index]
    stop = min(start + span, piece.samples)
    samples = detection.step_end_samples(bundle, np.arange(len(listener.scores[index])))
    steps = np.flatnonzero((samples >= start) & (samples < stop))
    sums = detection.smoothed_sums(listener.scores[index][: steps[-1] + 1], listener.tables)[steps]
    posterior = sums / listener.tables.smoothing_steps / NEVER_Q15
    plots.score_timeline(
        recordings.pcm(index)[start:stop],
        start / SAMPLE_RATE_HZ,
        (samples[steps] / SAMPLE_RATE_HZ, posterior[:, 2:]),
        [
            (word.start / SAMPLE_RATE_HZ, word.end / SAMPLE_RATE_HZ, *_name(word, recordings.clips, bundle))
            for word in piece.words
            if start <= word.start and word.end <= stop
        ],
        [
            (sample / SAMPLE_RATE_HZ, bundle.labels[label], word is not None)
            for sample, label, word, _ in listener.matched(index, detector)
            if start <= sample < stop
        ],
        {bundle.labels[row]: detector.threshold_q15[row] / NEVER_Q15 for row in range(2, len(bundle.labels))},
        f"{bundle.name}, piece {index} from {start / SAMPLE_RATE_HZ:g} s, {name} thresholds, "
        f"rest of {detector.refractory_steps * _step_ms(bundle):g} ms",
        path,
    )


def _name(word: Word, clips: ClipSet, bundle: Bundle) -> tuple[str, str]:
    """Text over a word, and its keyword or ""."""
    if word.label > 1:
        return (bundle.labels[word.label],) * 2
    return ("(noise)" if word.label == 0 else f"“{clips.words[word.clip]}”"), ""
