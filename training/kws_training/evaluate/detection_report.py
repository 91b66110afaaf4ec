"""``kws-train evaluate --stream``: long recordings, DET curve, timeline, thresholds."""

import argparse
import dataclasses
import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import label_set
from kws_reference.system.file_names import printable
from kws_reference.system.files import replace, replacing
from kws_reference.system.folder_lock import require_writable

from kws_training.convert.manifest import DETECTOR_DEFAULTS, default_steps
from kws_training.data.recordings import Recordings, RecordingSpec, Word
from kws_training.data.speech_commands import (
    SAMPLE_RATE_HZ,
    ClipSet,
    ClipSpec,
    FolderSpec,
    load_clips,
    load_noise,
)
from kws_training.data.validation_mix import SOURCES, source, validation_mix
from kws_training.evaluate import detection

log = logging.getLogger(__name__)

TIMELINE_S = 24.0
TIMELINE_PIECES = 6
_DEFAULTS = {"hours": 10.0, "seed": 0, "false_accepts_per_hour": 5.0}  # of --stream; elsewhere they mean nothing
_EVERY_UNKNOWN_PERCENT = 1e9


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``--stream``."""
    group = parser.add_argument_group("detection on long recordings")
    group.add_argument("--stream", action="store_true", help="assemble the clips to long recordings and detect words")
    group.add_argument("--hours", type=float, help=f"length of the recordings (default: {_DEFAULTS['hours']:g})")
    group.add_argument("--seed", type=int, help=f"draws the recordings (default: {_DEFAULTS['seed']})")
    group.add_argument(
        "--extra",
        type=Path,
        help="further clips to choose thresholds by, such as voices: validation split of a folder like --validation",
    )
    group.add_argument("--noise", type=Path, help="folder with _background_noise_ (default: that of --validation)")
    group.add_argument("--scores", type=Path, help="keep the scores in this .npz, or take them from it")
    group.add_argument(
        "--choose-thresholds",
        action="store_true",
        help="choose mean, rest and thresholds; with --validation only, of which rare words are then heard more "
        "often than their number of clips",
    )
    group.add_argument(
        "--false-accepts-per-hour",
        type=float,
        help="rate of all keywords together, to be kept with 90 %% confidence "
        f"(default: {_DEFAULTS['false_accepts_per_hour']:g})",
    )
    group.add_argument("--write-thresholds", action="store_true", help="write the chosen ones into the bundle")


def check(args: argparse.Namespace) -> None:
    """Refuses combinations of options that mean nothing.

    Raises:
      KwsError: see there.
    """
    if not args.stream:
        if args.choose_thresholds or args.write_thresholds or args.scores or args.noise or args.extra:
            raise KwsError(
                "--choose-thresholds, --write-thresholds, --scores, --extra and --noise belong to --stream. Give it."
            )
        for name in _DEFAULTS:
            if getattr(args, name) is not None:
                raise KwsError(f"--{name.replace('_', '-')} belongs to --stream. Give it.")
        return
    if args.bundle is None:
        raise KwsError("--stream hears with the int8 model: give a bundle.")
    if args.run_folder or args.limit or args.without:
        raise KwsError("--run, --limit and --without do not go with --stream.")
    if args.write_thresholds and not args.choose_thresholds:
        raise KwsError("--write-thresholds writes what --choose-thresholds finds. Give both.")
    if args.extra and not args.choose_thresholds:
        raise KwsError("--extra adds clips that thresholds are chosen by. Give --choose-thresholds too.")
    if args.false_accepts_per_hour is not None and not args.choose_thresholds:
        raise KwsError("--false-accepts-per-hour is the rate that --choose-thresholds keeps. Give it too.")
    if args.choose_thresholds and args.test:
        raise KwsError("thresholds chosen on test clips would flatter every later figure. Give --validation.")
    if args.test and not args.noise:
        raise KwsError("--test has no background noise. Give --noise, a folder with _background_noise_.")
    hours, seed, wanted_per_hour = _numbers(args)
    if not 0 < hours <= 1000:
        raise KwsError(f"--hours must be above 0 and at most 1000. Received: {hours:g}.")
    if seed < 0:
        raise KwsError(f"--seed must be 0 or more. Received: {seed}.")
    if args.choose_thresholds:
        detection.wanted_false_accepts(wanted_per_hour, hours)


def _numbers(args: argparse.Namespace) -> list[float]:
    """Hours, seed and wanted false accepts per hour: what is given, or the defaults."""
    return [default if getattr(args, name) is None else getattr(args, name) for name, default in _DEFAULTS.items()]


def run(args: argparse.Namespace) -> int:
    """Measures detection; writes ``detection_SET.json``, ``det_SET.png`` and ``timeline_SET.png``."""
    from kws_training.inspect import plots

    bundle = Bundle.load(args.bundle)
    require_writable(args.out or args.bundle)
    keywords = label_set(bundle.labels).keywords
    if not keywords:
        raise KwsError(f"{args.bundle} has no keyword to detect. Received: {', '.join(bundle.labels)}.")
    if bundle.frontend.sample_rate_hz != SAMPLE_RATE_HZ:
        log.info(
            f"the recordings of {SAMPLE_RATE_HZ} Hz are converted to the model's {bundle.frontend.sample_rate_hz} Hz"
        )
    clips, weights = _clips(args, keywords), None
    if args.choose_thresholds:
        clips, weights = validation_mix(clips, _extra(args.extra, keywords))
    hours, seed, wanted_per_hour = _numbers(args)
    recordings = Recordings(clips, RecordingSpec(hours=hours, seed=seed), weights)
    log.info(f"{args.set_name}: {recordings.hours:g} hours in {len(recordings)} pieces, {len(clips)} clips")
    folder = args.out or args.bundle
    folder.mkdir(parents=True, exist_ok=True)
    scores = _scores(bundle, recordings, weights, args.scores)
    listener = detection.Listener(bundle, recordings.pieces, scores)

    default = detection.with_releases(
        *default_steps(bundle.frontend, bundle.frames_per_step),
        detection.common_thresholds(bundle.labels, round(DETECTOR_DEFAULTS["threshold"] * NEVER_Q15)),
    )
    settings = {"default": default}
    if bundle.detector != default:
        settings["manifest"] = bundle.detector
    if args.choose_thresholds:
        progress = Progress("choosing thresholds", detection.choice_rounds(bundle)).update
        settings["chosen"] = detection.choose(listener, wanted_per_hour, progress)
    listeners = {name: listener.smoothed(detector.smoothing_steps) for name, detector in settings.items()}
    result = {
        "set": args.set_name,
        "model_sha256": bundle.model_sha256,
        "recordings": {**dataclasses.asdict(recordings.spec), "clips": len(clips)},
        "tolerance_ms": detection.TOLERANCE_S * 1000,
    }
    for name, detector in settings.items():
        result[name] = {
            **dataclasses.asdict(detector),
            **listeners[name].heard(detector).to_dict(bundle.labels),
            "unknown_words": _unknown_words(listeners[name], detector, clips),
        }
    for line in table(result, list(settings), _step_ms(bundle), bundle.labels):
        log.info(line)
    title = f"{bundle.name}, {args.set_name}: {recordings.hours:g} hours of words, noise and silence, int8 streaming"
    last = list(settings)[-1]
    totals, labels = _curves(listeners, settings)
    result["det"] = {"threshold_q15": detection.curve_thresholds(), "all_keywords": totals, "alone": labels}
    marks = {name: (result[name]["false_accepts_per_hour"], 1 - result[name]["recall"]) for name in settings}
    plots.det_curve(totals, labels, marks, recordings.hours, title, folder / f"det_{args.set_name}.png")
    _timeline(bundle, recordings, listeners[last], settings[last], last, folder / f"timeline_{args.set_name}.png")
    replace(folder / f"detection_{args.set_name}.json", (json.dumps(result) + "\n").encode())
    if args.write_thresholds:
        shown = {key: result["chosen"][key] for key in ("hours", "recall", "false_accepts_per_hour")}
        chosen = {"set": args.set_name, "seed": seed, "wanted_per_hour": wanted_per_hour, **shown}
        detection.write_detector(bundle, settings["chosen"], chosen)
        log.info(f"detector settings written into {args.bundle}; generate its firmware again")
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


def _extra(folder: Path | None, words: tuple[str, ...]) -> ClipSet | None:
    if folder is None:
        return None
    spec = ClipSpec(folder, "validation", words=words, silence_percent=0.0, unknown_percent=_EVERY_UNKNOWN_PERCENT)
    return load_clips(spec)


def _scores(bundle: Bundle, recordings: Recordings, weights: np.ndarray | None, path: Path | None) -> list[np.ndarray]:
    """The scores of each piece, from ``path`` when they are of this model and these recordings."""
    digest = hashlib.sha256(repr((bundle.model_sha256, bundle.frontend, recordings.spec)).encode())
    heard = [] if weights is None else [weights]
    for array in (recordings.clips.pcm, recordings.clips.labels, *recordings.clips.noise, *heard):
        digest.update(np.ascontiguousarray(array).data)
    key = digest.hexdigest()
    if path and path.is_file():
        try:
            with np.load(path, allow_pickle=False) as kept:
                if str(kept["key"]) == key:
                    log.info(f"scores taken from {path}")
                    return [kept[f"piece{index}"] for index in range(len(recordings))]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            raise KwsError(f"{path} holds no scores of this command. Remove it or name another file.") from None
        raise KwsError(f"{path} holds scores of another model or recording. Remove it or name another file.")
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress("listening", len(recordings)).update
    scores = detection.stream_scores(bundle, recordings, progress)
    if path:
        with replacing(path) as out:
            np.savez_compressed(out, key=key, **{f"piece{index}": piece for index, piece in enumerate(scores)})
    return scores


def _unknown_words(listener: detection.Listener, detector: DetectorConfig, clips: ClipSet) -> dict[str, dict[str, int]]:
    """For each source of unknown words, how many were heard, of how many clips, and how many raised a keyword."""
    counts = {name: {"spoken": 0, "clips": 0, "raised": 0} for name in SOURCES}
    heard = [word for piece in listener.pieces for word in piece.words if word.label == 1]
    for word in heard:
        counts[source(clips.names[word.clip])]["spoken"] += 1
    for clip in {word.clip for word in heard}:
        counts[source(clips.names[clip])]["clips"] += 1
    for index in range(len(listener.pieces)):
        raised = {
            word.clip_start: word
            for *_, word, cause in listener.matched(index, detector)
            if detection.CAUSES[cause] == "unknown word" and cause != detection.FOUND
        }
        for word in raised.values():
            counts[source(clips.names[word.clip])]["raised"] += 1
    return {name: count for name, count in counts.items() if count["spoken"]}


def _curves(
    listeners: dict[str, detection.Listener], settings: dict[str, DetectorConfig]
) -> tuple[dict[str, list], dict[str, list]]:
    """DET points (false accepts per hour, miss rate): of all keywords for each mean and rest; of each one alone."""
    bundle, grid = listeners["default"].bundle, detection.curve_thresholds()
    spoken = listeners["default"].heard(settings["default"]).spoken
    progress, done = Progress("DET curves", len(settings) + len(bundle.labels)), 0
    totals, labels = {}, {}
    for setting, detector in settings.items():
        name = f"all keywords, {_timing(detector.smoothing_steps, detector.refractory_steps, _step_ms(bundle))}"
        if name not in totals and (setting == "default" or setting == list(settings)[-1]):
            heard = listeners[setting].curve(grid, detector.refractory_steps)
            totals[name] = [(one.false_accepts_per_hour, 1 - one.recall) for one in heard]
        progress.update(done := done + 1)
    for row in np.flatnonzero(spoken):
        heard = listeners[setting].curve(grid, detector.refractory_steps, row)
        labels[bundle.labels[row]] = [
            (one.false_accepts_per_hour, float(1 - one.found[row] / one.spoken[row])) for one in heard
        ]
        progress.update(done := done + 1)
    return totals, labels


def table(result: dict[str, Any], names: Sequence[str], step_ms: float, bundle_labels: Sequence[str]) -> list[str]:
    """Lines that set detectors side by side.

    Args:
      result: for each of `names` the figures of `Heard.to_dict`, the detector's settings and ``unknown_words``.
      names: of the detectors.
      step_ms: milliseconds of a step.
      bundle_labels: the labels in the order of the thresholds.
    """
    rows = {name: result[name] for name in names}
    labels = list(rows[names[0]]["labels"])
    width = max(16, *(len(label) + 1 for label in labels))
    lines = [
        "",
        f"{'':{width}}" + "".join(f"{name:>36}" for name in names),
        f"{'':{width}}" + f"{'threshold   recall   false/hour':>36}" * len(names),
    ]

    def cells(threshold: str, recall: float | None, rate: float) -> str:
        share = "none said" if recall is None else f"{100 * recall:.1f} %"
        return f"{threshold:>15}{share:>10}{rate:>11.2f}"

    for label in labels:
        line = f"{label:{width}}"
        for row in rows.values():
            threshold = row["threshold_q15"][bundle_labels.index(label)] / NEVER_Q15
            of_label = row["labels"][label]
            shown = f"{threshold:.4f}" if threshold < 1 else "never"
            line += cells(shown, of_label["recall"], of_label["false_accepts_per_hour"])
        lines.append(line)
    lines.append(
        f"{'all':{width}}" + "".join(cells("", row["recall"], row["false_accepts_per_hour"]) for row in rows.values())
    )

    def line(what: str, text: Callable[[dict[str, Any]], str]) -> None:
        lines.append(f"{what:{width}}" + "".join(f"{text(row):>36}" for row in rows.values()))

    line("95 % of it", lambda row: "{:.2f} to {:.2f}".format(*row["false_accepts_per_hour_95"]))
    for cause in detection.CAUSES:
        line(f"  {cause}", lambda row, cause=cause: f"{row['false_accepts_by_cause'][cause] / row['hours']:.2f}")
    for name in rows[names[0]]["unknown_words"]:
        line(f"  {name}", lambda row, name=name: _share(row["unknown_words"][name]))
    line("mean, rest", lambda row: f"{row['smoothing_steps'] * step_ms:g}, {row['refractory_steps'] * step_ms:g} ms")
    line(
        "latency",
        lambda row: (
            "{median:.0f} ms, 90 % {percentile_90:.0f} ms".format(**row["latency_ms"]) if row["latency_ms"] else "-"
        ),
    )
    first = rows[names[0]]
    lines.append(
        f"{first['hours']:g} hours, {first['keywords']} keywords. False accepts an hour by cause; unknown words by "
        "source; latency from the word's end."
    )
    return lines


def _share(count: dict[str, int]) -> str:
    return f"raised by {100 * count['raised'] / count['spoken']:.1f} % of {count['spoken']} ({count['clips']} clips)"


def _timing(smoothing_steps: int, refractory_steps: int, step_ms: float) -> str:
    return f"mean of {smoothing_steps * step_ms:g} ms, rest of {refractory_steps * step_ms:g} ms"


def _step_ms(bundle: Bundle) -> float:
    return 1000 * bundle.frames_per_step * bundle.frontend.hop_samples / bundle.frontend.sample_rate_hz


def _timeline(
    bundle: Bundle,
    recordings: Recordings,
    listener: detection.Listener,
    detector: DetectorConfig,
    name: str,
    path: Path,
) -> None:
    """Draws the stretch of the first pieces that shows most: many different words, a missed one, a false accept."""
    from kws_training.inspect import plots

    span = round(TIMELINE_S * SAMPLE_RATE_HZ)
    best = (-1.0, 0, 0)
    for index, piece in enumerate(recordings.pieces[:TIMELINE_PIECES]):
        matched = listener.matched(index, detector)
        hit = {word.clip_start for *_, word, cause in matched if cause == detection.FOUND}
        false = [sample for sample, *_, cause in matched if cause != detection.FOUND]
        for start in range(0, max(piece.samples - span, 1), span // 8):
            inside = [word for word in piece.words if start + 8000 < word.start and word.end < start + span - 24000]
            missed = sum(word.label > 1 and word.clip_start not in hit for word in inside)
            wrong = sum(start < sample < start + span for sample in false)
            errors = sum(2 if count == 1 else 0 if count == 0 else 3 - count for count in (missed, wrong))
            best = max(best, (len({word.label for word in inside}) + len(inside) / 4 + errors, -index, -start))
    index, start = -best[1], -best[2]
    piece = recordings.pieces[index]
    stop = min(start + span, piece.samples)
    samples = detection.recorded_samples(bundle, np.arange(len(listener.scores[index])))
    keywords = list(label_set(bundle.labels).keyword_rows)
    steps = np.flatnonzero((samples >= start) & (samples < stop))
    sums = detection.smoothed_sums(listener.scores[index][: steps[-1] + 1], listener.tables)[steps]
    posterior = sums / listener.tables.smoothing_steps / NEVER_Q15
    plots.score_timeline(
        recordings.pcm(index)[start:stop],
        start / SAMPLE_RATE_HZ,
        (samples[steps] / SAMPLE_RATE_HZ, posterior[:, keywords]),
        [
            (word.start / SAMPLE_RATE_HZ, word.end / SAMPLE_RATE_HZ, *_name(word, recordings.clips))
            for word in piece.words
            if start <= word.start and word.end <= stop
        ],
        [
            (sample / SAMPLE_RATE_HZ, bundle.labels[label], cause == detection.FOUND)
            for sample, label, _, cause in listener.matched(index, detector)
            if start <= sample < stop
        ],
        {bundle.labels[row]: detector.threshold_q15[row] / NEVER_Q15 for row in keywords},
        f"{bundle.name}, piece {index} from {start / SAMPLE_RATE_HZ:g} s, {name} thresholds, "
        + _timing(detector.smoothing_steps, detector.refractory_steps, _step_ms(bundle)),
        path,
    )


def _name(word: Word, clips: ClipSet) -> tuple[str, str]:
    """Text over a word, and its keyword or ""."""
    if word.label > 1:
        return (clips.label_names[word.label],) * 2
    return ("(noise)" if word.label == 0 else f"“{printable(clips.words[word.clip])}”"), ""
