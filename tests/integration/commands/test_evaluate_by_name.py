"""Labels go by name and audio by the model's rate, whatever order, rate and step a bundle has."""

import dataclasses
import json
import shutil
import subprocess
import wave

import numpy as np
import pytest
from kws_codegen.generator import generate
from kws_host import clips as host_clips
from kws_reference.audio.pcm import convert_rate, read_wav
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.labels import LabelSet
from kws_reference.pipeline import Pipeline
from kws_training import cli
from kws_training.convert.detector_settings import common_thresholds
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import RecordingSpec
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import stream_scores

from tests.support.models import matchbox, odd_channels, one_frame, wide_step
from tests.support.paths import ROOT

KIT, TURNED = ("_silence_", "_unknown_", "yes", "no"), ("no", "_unknown_", "yes", "_silence_")
EIGHT_KHZ = {"sample_rate_hz": 8000, "window_samples": 240, "hop_samples": 80, "fft_size": 256, "mel_high_hz": 3800.0}


def write_word(path, rate_hz, seed, seconds=1.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    samples = 5000 * np.sin(2 * np.pi * rng.uniform(200, 2500) * time_s) * np.hanning(len(time_s))
    samples += rng.normal(0, rng.uniform(10, 900), len(time_s))
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, rate_hz, len(samples), "NONE", ""))
        out.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Recordings of several rates and lengths, in a folder for each label and one for another word."""
    root = tmp_path_factory.mktemp("clips")
    for place, word in enumerate(("yes", "no", "_silence_", "cat")):
        for number, rate in enumerate((16000, 8000, 44100, 16000)):
            seconds = 0.7 if number == 3 else 1.0
            write_word(root / word / f"{number:08x}_nohash_0.wav", rate, 10 * place + number, seconds)
    write_word(root / "_background_noise_" / "hum.wav", 16000, 99, 3.0)
    return root


def relabelled(bundle, labels, **frontend):
    """The bundle with other names for its rows, and another front end."""
    path = bundle.path / "model.json"
    manifest = json.loads(path.read_text())
    manifest["labels"] = list(labels)
    manifest["frontend"].update(frontend)
    path.write_text(json.dumps(manifest))
    return Bundle.load(bundle.path)


def heard(bundle, root, labels=None):
    """An independent count: each file through the reference, its label by the rule of kws-host."""
    labels, pipeline = bundle.labels, Pipeline(bundle)
    confusion = np.zeros((len(labels), len(labels)), int)
    for clip in host_clips.find([root], bundle):
        if "_silence_" not in labels and clip.name.startswith("_silence_"):
            continue
        pcm = clip.read(bundle)[: bundle.frontend.sample_rate_hz]
        confusion[labels.index(clip.expected), int(np.argmax(pipeline.run(pcm)[-1].scores))] += 1
    return confusion


BUNDLES = {
    "the kit's order": (lambda: matchbox(3), KIT, {}),
    "another order": (lambda: matchbox(3), TURNED, {}),
    "8 kHz": (lambda: matchbox(3), KIT, EIGHT_KHZ),
    "8 kHz, another order": (lambda: matchbox(3), TURNED, EIGHT_KHZ),
    "44.1 kHz": (lambda: matchbox(3), KIT, {"sample_rate_hz": 44100, "window_samples": 900, "fft_size": 1024}),
    "no silence": (lambda: matchbox(3, labels=3), ("yes", "_unknown_", "no"), {}),
    "two labels": (lambda: matchbox(3, labels=2), ("yes", "_unknown_"), {}),
    "one frame a step": (one_frame, TURNED, {}),
    "three frames a step": (odd_channels, (*TURNED, "left"), {}),
    "four frames a step": (wide_step, TURNED, {}),
}


def built(maker, labels, frontend, folder):
    bundle = maker().write(folder)
    names = [*labels, *(f"word {number}" for number in range(len(bundle.labels)))][: len(bundle.labels)]
    return relabelled(bundle, names, **frontend)


@pytest.mark.parametrize("which", BUNDLES)
def test_evaluate_scores_clips_by_name_and_rate_as_the_reference_hears_them(which, clips, tmp_path, capsys):
    bundle = built(*BUNDLES[which], tmp_path)
    command = ["evaluate", str(tmp_path), "--test", str(clips), "--set-name", "x"]
    if "_silence_" not in bundle.labels:  # which is no unknown word
        assert cli.main(command) == 2 and "clips of _silence_ are of no label" in capsys.readouterr().err
        command += ["--without", "_silence_"]
    assert cli.main(command) == 0
    result = json.loads((tmp_path / "evaluation_x.json").read_text())
    assert result["labels"] == list(bundle.labels) and result["clips"] == (12 if len(command) > 6 else 16)
    assert result["int8_streaming"]["confusion"] == heard(bundle, clips).tolist()
    assert "so _unknown_: " in capsys.readouterr().err


def test_evaluate_of_a_model_without_unknown_words_refuses_them_by_name(clips, tmp_path, capsys):
    bundle = relabelled(matchbox(3, labels=2).write(tmp_path), ("no", "yes"))
    command = ["evaluate", str(tmp_path), "--test", str(clips), "--set-name", "x"]
    assert cli.main(command) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "8 clips of _silence_, cat are of no label of the model" in error and "--without _silence_,cat" in error
    assert cli.main([*command, "--without", "_silence_,cat"]) == 0
    result = json.loads((tmp_path / "evaluation_x.json").read_text())
    assert result["clips"] == 8 and np.sum(result["int8_streaming"]["confusion"]) == 8
    assert cli.main(["evaluate", str(tmp_path), "--validation", str(clips), "--set-name", "y"]) == 0
    assert "no _silence_ and no _unknown_" in capsys.readouterr().err
    assert bundle.labels == ("no", "yes")


def test_evaluate_of_a_step_longer_than_a_clip_is_refused(clips, tmp_path, capsys):
    slow = {"sample_rate_hz": 1000, "window_samples": 500, "hop_samples": 400, "mel_high_hz": 500.0}
    built(wide_step, KIT, slow, tmp_path)
    assert cli.main(["evaluate", str(tmp_path), "--test", str(clips), "--set-name", "x"]) == 2
    assert "no step would be computed" in capsys.readouterr().err


def test_detection_in_any_order_of_labels_reports_the_same_by_name(clips, tmp_path):
    reports = []
    for place, labels in enumerate((KIT, TURNED)):
        bundle = relabelled(matchbox(3).write(tmp_path / str(place)), labels)
        found = load_clips(ClipSpec(folders=(FolderSpec(clips),), words=LabelSet(labels).keywords))
        found = dataclasses.replace(found, noise=(np.ones(48000, np.int16),))
        recordings = LongRecordings(found, RecordingSpec(0.02, piece_seconds=36))
        rng, scores = np.random.default_rng(0), []
        for _ in range(len(recordings)):
            drawn = {name: 4 * rng.integers(-30, 31, 1798) + row for row, name in enumerate(KIT)}  # no two are equal
            scores.append(np.stack([drawn[name] for name in labels], 1).astype(np.int8))
        replay = DetectorReplay(bundle, recordings.pieces, scores, smoothing_steps=1)
        settings = DetectorConfig(1, 25, common_thresholds(bundle.labels, 12000))
        reports.append(replay.measure(settings).to_dict(bundle.labels))
        words = [word.label for piece in recordings.pieces for word in piece.words]
        spoken = {name: of_label["keywords"] for name, of_label in reports[-1]["labels"].items()}
        assert spoken == {name: words.count(name) for name in LabelSet(labels).keywords}
    assert reports[0] == reports[1]
    assert 0 < reports[0]["recall"] <= 1 and reports[0]["false_accepts"] > 0


@pytest.mark.parametrize(
    "labels, frontend", [(TURNED, {}), (TURNED, EIGHT_KHZ), (("yes", "no", "left", "right"), EIGHT_KHZ)]
)
def test_evaluate_stream_hears_what_the_reference_hears_at_the_models_rate(labels, frontend, clips, tmp_path, capsys):
    bundle = relabelled(matchbox(3).write(tmp_path / "b"), labels, **frontend)
    words = LabelSet(labels).keywords
    command = ["evaluate-stream", str(bundle.path), "--test", str(clips), "--noise", str(clips)]
    assert cli.main([*command, "--set-name", "s", "--hours", "0.01"]) == 0
    result = json.loads((bundle.path / "detection_s.json").read_text())
    assert set(result["manifest" if "manifest" in result else "default"]["labels"]) == set(words)
    assert ("converted to the model's 8000 Hz" in capsys.readouterr().err) == bool(frontend)
    found = load_clips(ClipSpec(folders=(FolderSpec(clips),), words=words))
    noise = (read_wav(clips / "_background_noise_" / "hum.wav"),)
    recordings = LongRecordings(dataclasses.replace(found, noise=noise), RecordingSpec(0.01))
    (scores,) = stream_scores(bundle, recordings, workers=1)
    rate = bundle.frontend.sample_rate_hz
    steps = Pipeline(bundle).run(convert_rate(recordings.pcm(0), 16000, rate))
    assert np.array_equal(scores, [step.scores for step in steps])
    replay = DetectorReplay(bundle, recordings.pieces, [scores])
    events = [(step.index, step.detection.label) for step in steps if step.detection]
    samples = [bundle.clock.end_samples(step) * 16000 / rate for step, _ in events]
    assert [(one.sample, one.label) for one in replay.detections(0, bundle.detector)] == [
        (sample, label) for sample, (_, label) in zip(samples, events, strict=True)
    ]


NASTY = ('he said "hi"\\', "日本 \U0001f600", "what??/ */ // \\n", "hey jarvis")


@pytest.mark.skipif(shutil.which("g++") is None, reason="missing: g++")
def test_labels_of_any_text_reach_the_firmware_as_they_are(tmp_path):
    bundle = relabelled(matchbox(3).write(tmp_path / "b", name='x "y"\\ ??/ 日本'), NASTY)
    for name, text in generate(bundle).items():
        (tmp_path / name).write_text(text)
    program = (
        '#include <cstdio>\n#include "model_info.h"\nint main() { for (auto* l : kws::model::kLabels) puts(l); }\n'
    )
    (tmp_path / "main.cc").write_text(program)
    flags = ["-std=c++17", "-trigraphs", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/firmware/include", "-I."]
    command = ["g++", *flags, "main.cc", "model_info.cc", "detector_config.cc", "-o", "main", f"-I{ROOT}/firmware/src"]
    subprocess.run(command, check=True, cwd=tmp_path)
    said = subprocess.run([tmp_path / "main"], check=True, capture_output=True).stdout.decode()
    assert tuple(said.splitlines()) == NASTY
