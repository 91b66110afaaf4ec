"""``kws-train evaluate-stream``: its options, files, kept scores, chosen thresholds and table."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
from kws_reference.bundle import NEVER_Q15, Bundle
from kws_reference.pipeline import Pipeline
from kws_training import cli
from kws_training.convert.detector_settings import common_thresholds
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import RecordingSpec
from kws_training.data.splits import hash_split
from kws_training.evaluate import pictures, scores, timeline_picture
from kws_training.evaluate.detection_table import detection_table
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import stream_scores

from tests.support.detection import YES, clip_set, plain_bundle, scene, with_labels
from tests.support.models import matchbox, odd_channels


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("b", "--validation", "v", "--write-thresholds"), "Give both"),
        (("b", "--test", "t", "--noise", "n", "--choose-thresholds"), "Give --validation"),
        (("b", "--test", "t"), "Give --noise"),
        (("b", "--validation", "v", "--names", "n"), "Give --test too"),
        (("b", "--validation", "v", "--hours", "nan"), "--hours must be"),
        (("b", "--validation", "v", "--seed", "-1"), "--seed must be"),
        (("b", "--validation", "v", "--false-accepts-per-hour", "5"), "that --choose-thresholds keeps"),
        (("b", "--validation", "v", "--choose-thresholds", "--hours", "0.5"), "Take 1 hours or more"),
    ],
)
def test_evaluate_stream_meaningless_options_are_refused(words, message, capsys):
    assert cli.main(["evaluate-stream", *words, "--set-name", "x"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [("--stream",), ("--stream", "--hours", "1"), ("--choose-thresholds", "--stream"), ("--stream", "--test", "t")],
)
def test_evaluate_with_stream_names_the_new_command_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "bundle", *words])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1 and "kws-train evaluate-stream" in error


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(4)
    for name, samples in [
        (f"{label}/{n}.wav", 16000) for label in ("yes", "no", "tree", "_silence_") for n in range(3)
    ]:
        (root / name).parent.mkdir(exist_ok=True)
        soundfile.write(root / name, rng.integers(-3000, 3000, samples).astype(np.int16), 16000)
    (root / "noise" / "_background_noise_").mkdir(parents=True)
    soundfile.write(root / "noise/_background_noise_/hum.wav", rng.integers(-900, 900, 40000).astype(np.int16), 16000)
    return root


@pytest.mark.slow
def test_evaluate_stream_writes_figures_and_pictures_and_takes_kept_scores(tmp_path, folder, capsys, monkeypatch):
    bundle = with_labels(odd_channels().write(tmp_path / "b"))
    words = ["evaluate-stream", str(bundle.path), "--test", str(folder), "--noise", str(folder / "noise")]
    words += ["--hours", "0.005", "--set-name", "synthetic"]
    words += ["--out", str(tmp_path / "out"), "--scores", str(tmp_path / "scores.npz")]
    assert cli.main(words) == 0
    first = capsys.readouterr()
    result = json.loads(first.out)
    assert result["default"]["hours"] == 0.005 and "det" not in result
    on_disk = json.loads((tmp_path / "out/detection_synthetic.json").read_text())
    assert {len(points) for points in on_disk["det"]["all_keywords"].values()} == {len(on_disk["det"]["threshold_q15"])}
    assert list(on_disk["det"]["alone"]) == ["yes", "no"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "detection_synthetic.json",
        "det_synthetic.png",
        "timeline_synthetic.png",
    }
    without_pictures(monkeypatch)
    monkeypatch.setattr(scores, "stream_scores", None)
    assert cli.main(words) == 0
    second = capsys.readouterr()
    assert second.out == first.out and "scores taken from" in second.err
    assert cli.main([*words, "--seed", "1"]) == 2
    assert "another model or recording" in capsys.readouterr().err
    (tmp_path / "scores.npz").write_bytes(b"no archive")
    assert cli.main(words) == 2 and "holds no scores of this command" in capsys.readouterr().err


def without_pictures(monkeypatch):
    """They take seconds each."""
    monkeypatch.setattr(pictures, "det_curve", lambda *_: None)
    monkeypatch.setattr(timeline_picture, "draw_timeline", lambda *_: None)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A folder like Speech Commands, all speakers of the validation split."""
    root, rng = tmp_path_factory.mktemp("official"), np.random.default_rng(5)
    speakers = [f"{n:08x}" for n in range(200) if hash_split(f"{n:08x}_nohash_0.wav") == "validation"][:3]
    for label in ("yes", "no", "tree"):
        (root / label).mkdir()
        for speaker in speakers:
            pcm = rng.integers(-3000, 3000, 16000).astype(np.int16)
            soundfile.write(root / label / f"{speaker}_nohash_0.wav", pcm, 16000)
    (root / "_background_noise_").mkdir()
    soundfile.write(root / "_background_noise_/hum.wav", rng.integers(-900, 900, 40000).astype(np.int16), 16000)
    return root


@pytest.mark.slow
def test_evaluate_stream_chosen_settings_are_written_and_heard_by_the_pipeline(tmp_path, official, capsys, monkeypatch):
    bundle = with_labels(matchbox().write(tmp_path / "b"))
    without_pictures(monkeypatch)
    words = ["evaluate-stream", str(bundle.path), "--validation", str(official), "--extra", str(official)]
    words += ["--hours", "0.02", "--choose-thresholds", "--false-accepts-per-hour", "300", "--write-thresholds"]
    assert cli.main([*words, "--set-name", "synthetic", "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    chosen = json.loads(captured.out)["chosen"]
    written = Bundle.load(bundle.path)  # checks the digest
    assert written.detector.threshold_q15 == tuple(chosen["threshold_q15"])
    assert written.detector.release_q15 == tuple(chosen["release_q15"])
    assert written.detector.refractory_steps == chosen["refractory_steps"]
    assert written.detector.smoothing_steps == chosen["smoothing_steps"] and written.model == bundle.model
    assert set(chosen["unknown_words"]) == {"recorded", "extra"}
    assert "latency from the word's end" in captured.err and "generate its firmware again" in captured.err
    # What the report heard with these settings is what the whole reference hears, piece by piece.
    recordings_ = LongRecordings(clip_set(), RecordingSpec(hours=20 / 3600, piece_seconds=10.0))
    heard = stream_scores(written, recordings_, workers=1)
    replay = DetectorReplay(written, recordings_.pieces, heard)
    for index in range(2):
        events = [step.detection.label for step in Pipeline(written).run(recordings_.pcm(index)) if step.detection]
        assert [one.label for one in replay.detections(index, written.detector)] == events


def test_detection_table_shows_each_detector_beside_the_others(tmp_path):
    plain = plain_bundle(tmp_path)
    figures = {
        **dataclasses.asdict(plain.detector),
        **scene(plain, [(10.2, 1.2, YES, 100)], [(10, 10.5, YES)]).measure(plain.detector).to_dict(plain.labels),
        "unknown_words": {"recorded": {"spoken": 8, "clips": 7, "raised": 2}},
    }
    never = {**figures, "threshold_q15": common_thresholds(plain.labels, NEVER_Q15), "latency_ms": None}
    lines = detection_table({"default": figures, "chosen": never}, ["default", "chosen"], 20.0, plain.labels)
    (yes,) = [line.split() for line in lines if line.startswith("yes")]
    assert yes == ["yes", "0.7000", "100.0", "%", "18.00", "never", "100.0", "%", "18.00"]
    (no,) = [line for line in lines if line.startswith("no ")]
    assert no.count("none said") == 2
    assert any("raised by 25.0 % of 8" in line for line in lines)
    assert len({len(line) for line in lines[1:-1]}) == 1
