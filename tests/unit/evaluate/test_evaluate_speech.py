"""``kws-train evaluate --speech``: its options, files, folds, noise and disturbed speech, thresholds in the bundle."""

import argparse
import json
import re
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.commands import export
from kws_training.data.signal.textures import TEXTURES
from kws_training.data.splits import hash_split
from kws_training.evaluate import curves, pictures
from kws_training.evaluate.speech import noise as noise_module
from kws_training.evaluate.speech.choice import wanted_rate
from kws_training.evaluate.speech.job import Choice
from kws_training.evaluate.speech.noise import recorded_noise

from tests.support.detection import with_labels
from tests.support.libri_folder import speech_folder, write_recording
from tests.support.models import odd_channels

TEXTS = {
    "1-1-0000": "we said yes to this old house",
    "2-1-0000": "the sea was calm again that night",
    "3-1-0000": "rain fell on the roof all night",
}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("b", "--speech", "s"), "Give --set-name"),
        (("--speech", "s", "--set-name", "x"), "give its folder"),
        (("b", "--speech", "s", "--set-name", "x", "--limit", "3"), "leave out --run"),
        (("b", "--test", "t", "--set-name", "x", "--near-silence"), "--near-silence belongs to --speech"),
        (("b", "--test", "t", "--set-name", "x", "--clips", "c"), "--clips belongs to --speech"),
        (("b", "--speech", "s", "--set-name", "x", "--also", "0.5"), "such as 0.5,0.97. Received: '0.5'"),
        (("b", "--speech", "s", "--set-name", "x", "--also", "0.5,1"), "a threshold below 1"),
        (("b", "--speech", "s", "--set-name", "x", "--moments", "0"), "--moments must be at least 1"),
        (("b", "--speech", "s", "--set-name", "x", "--disturbed", "rain"), "telephone.* Received: 'rain'"),
        (("b", "--speech", "s", "--set-name", "x", "--choose-thresholds", "--test", "t"), "Give --validation"),
        (("b", "--speech", "s", "--set-name", "x", "--write-thresholds"), "belongs to --choose-thresholds"),
        (("b", "--speech", "s", "--set-name", "x", "--trained-on", "f"), "Give --folds too"),
        (("b", "--speech", "s", "--set-name", "x", "--speech-fold", "1/3"), "Give --speakers too"),
        (("b", "--speech", "s", "--set-name", "x", "--word-times", "a", "--word-times", "b"), "one for each"),
    ],
)
def test_evaluate_speech_meaningless_options_are_refused(words, message, capsys):
    assert cli.main(["evaluate", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """Hears random words all the time."""
    bundle = with_labels(odd_channels().write(tmp_path_factory.mktemp("bundle")))
    return _thresholds(bundle, bundle.path, 1000)


def _thresholds(bundle, path, threshold, smoothing_steps=2, **provenance):
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("format_version", "model_sha256")}
    raised = [threshold if not label.startswith("_") else 32768 for label in bundle.labels]
    manifest["detector"] = {"smoothing_steps": smoothing_steps, "refractory_steps": 20, "threshold_q15": raised}
    manifest["provenance"] = provenance
    return write_bundle(path, bundle.model, manifest)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Keyword clips like Speech Commands', all speakers of the validation split."""
    root, rng = tmp_path_factory.mktemp("official"), np.random.default_rng(5)
    speakers = [f"{n:08x}" for n in range(200) if hash_split(f"{n:08x}_nohash_0.wav") == "validation"][:3]
    for label in ("yes", "no", "tree"):
        (root / label).mkdir()
        for speaker in speakers:
            pcm = rng.integers(-3000, 3000, 16000).astype(np.int16)
            soundfile.write(root / label / f"{speaker}_nohash_0.wav", pcm, 16000)
    return root


def evaluate(bundle, speech, out, capsys, *more):
    """Runs the command; its printed and its written result."""
    words = ["evaluate", str(bundle.path), "--speech", str(speech), "--set-name", "made", "--out", str(out), *more]
    assert cli.main(words) == 0, capsys.readouterr().err
    printed = json.loads(capsys.readouterr().out)
    return printed, json.loads((out / "detection_made.json").read_text())


@pytest.mark.slow
def test_evaluate_speech_writes_figures_curve_and_the_sound_of_moments(tmp_path, bundle, official, capsys, monkeypatch):
    monkeypatch.setattr(noise_module, "TEXTURE_S", 0.5)
    monkeypatch.setattr(noise_module, "TEXTURE_LEVELS", (1.2, 30.0))
    monkeypatch.setattr(curves, "det_thresholds", lambda: [32767, 30000, 1000])
    speech = speech_folder(tmp_path / "speech", TEXTS, timed=True)
    write_recording(tmp_path / "noise/rain/1.wav", 1.5)
    write_recording(tmp_path / "noise/rain/2.wav", 1.5, seed=1)
    more = ["--validation", str(official), "--clips", str(tmp_path / "clips"), "--moments", "3"]
    more += ["--noise", str(tmp_path / "noise"), "--near-silence", "--disturbed", "quiet", "--also", "0.1,0.05"]
    more += ["--scores", str(tmp_path / "scores")]
    printed, written = evaluate(bundle, speech, tmp_path / "out", capsys, *more)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"detection_made.json", "det_made.png"}
    assert printed == {key: value for key, value in written.items() if key not in ("det", "worst")}
    assert list(written["detectors"]) == ["default", "0.1 s, 0.05", "manifest"] and written["speakers"] == 3
    own = written["detectors"]["manifest"]
    assert own["speech"]["false_accepts"] > 3 and own["speech"]["keywords"] == 1 and own["clips"]["clips"] == 2
    assert own["speech"]["false_accepts"] == sum(one["false_accepts"] for one in own["speech"]["by_speaker"].values())
    assert set(own["near_silence"]["by_kind"]) == set(TEXTURES) and list(own["noise"]["by_kind"]) == ["rain"]
    assert own["disturbed"]["quiet"]["times"] == pytest.approx(
        own["disturbed"]["quiet"]["false_accepts"] / own["speech"]["false_accepts"]
    )
    assert written["worst_of"] == "manifest" and len(written["worst"]) == 3
    clips = sorted((tmp_path / "clips").iterdir())
    assert len(clips) == 3 and clips[0].name.startswith("001_" + written["worst"][0]["label"])
    with wave.open(str(clips[0])) as clip:
        assert clip.getframerate() == 16000 and 0 < clip.getnframes() <= 2.5 * 16000
    monkeypatch.setattr("kws_training.evaluate.scores.stream_scores", None)
    again, _ = evaluate(bundle, speech, tmp_path / "out", capsys, *more)
    assert again == printed


@pytest.mark.slow
def test_evaluate_speech_of_which_nothing_counts_is_refused_with_what_would_help(tmp_path, bundle, capsys):
    speech = speech_folder(tmp_path / "speech", {"1-1-0000": "yes", "2-1-0000": "we know"})
    assert cli.main(["evaluate", str(bundle.path), "--speech", str(speech), "--set-name", "made"]) == 2
    assert "kws-train cut" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluate_speech_folds_hear_only_speakers_that_they_were_not_trained_on(tmp_path, bundle, capsys):
    speech = speech_folder(tmp_path / "speech", TEXTS)
    first = _thresholds(bundle, tmp_path / "f0", 1000, speech_speakers=["2"])
    second = _thresholds(bundle, tmp_path / "f1", 1000)
    words = ["evaluate", str(first.path), "--folds", str(second.path), "--speech", str(speech), "--set-name", "made"]
    words += ["--out", str(tmp_path / "out")]
    assert cli.main(words) == 2 and "--trained-on" in capsys.readouterr().err
    table = tmp_path / "trained.json"
    table.write_text(json.dumps({str(second.path): ["1", "3"]}))
    _, written = evaluate(
        first, speech, tmp_path / "out", capsys, "--folds", str(second.path), "--trained-on", str(table)
    )
    assert [one["speakers"] for one in written["models"]] == [["1", "3"], ["2"]]
    assert written["det"] is None and not (tmp_path / "out/det_made.png").exists()  # nobody knows what is missed
    alone = [
        evaluate(one, speech, tmp_path / "alone", capsys)[1]["detectors"]["manifest"]["speech"]["by_speaker"]
        for one in (first, second)
    ]
    assert written["detectors"]["manifest"]["speech"]["by_speaker"] == {
        name: alone[fold][name] for name, fold in (("1", 0), ("3", 0), ("2", 1))
    }
    table.write_text(json.dumps({str(second.path): ["1", "2", "3"]}))
    assert cli.main([*words, "--trained-on", str(table)]) == 2
    assert "was trained on speaker 2. Add a fold" in capsys.readouterr().err


@pytest.mark.slow
def test_evaluate_speech_folds_with_other_detectors_have_one_curve(tmp_path, bundle, capsys, monkeypatch):
    monkeypatch.setattr(curves, "det_thresholds", lambda: [32767, 1000])
    monkeypatch.setattr(pictures, "det_curve", lambda *_, **__: None)
    speech = speech_folder(tmp_path / "speech", TEXTS, timed=True)
    first = _thresholds(bundle, tmp_path / "f0", 1000, speech_speakers=["2"])
    second = _thresholds(bundle, tmp_path / "f1", 1000, smoothing_steps=5, speech_speakers=["1", "3"])
    _, written = evaluate(first, speech, tmp_path / "out", capsys, "--folds", str(second.path))
    assert written["det"] is not None


@pytest.mark.slow
def test_evaluate_speech_chosen_thresholds_are_of_validation_speakers_and_are_written(
    tmp_path, bundle, official, capsys, monkeypatch, log_lines
):
    monkeypatch.setattr(curves, "det_thresholds", lambda: [32767, 1000])
    monkeypatch.setattr(pictures, "det_curve", lambda *_, **__: None)
    speech = speech_folder(tmp_path / "speech", TEXTS, timed=True)
    written = _thresholds(bundle, tmp_path / "b", 1000)
    words = ["--validation", str(official), "--choose-thresholds", "--write-thresholds"]
    command = ["evaluate", str(written.path), "--speech", str(speech), "--set-name", "made", *words]
    assert cli.main([*command, "--false-accepts-per-hour", "2"]) == 2
    assert "hours of speech are too few for 2 false accepts per hour" in capsys.readouterr().err
    _, result = evaluate(written, speech, tmp_path / "out", capsys, *words, "--false-accepts-per-hour", "3000")
    assert result["speakers"] == 1  # of three
    chosen = Bundle.load(written.path)
    assert list(chosen.detector.threshold_q15) == result["detectors"]["chosen"]["threshold_q15"]
    assert chosen.manifest["provenance"]["detector"]["wanted_per_hour"] == 3000
    assert result["detectors"]["chosen"]["speech"]["false_accepts_per_hour"] <= 3000
    assert chosen.model_sha256 == bundle.model_sha256
    labels = chosen.labels
    never = [labels[row] for row in labels.keyword_rows if chosen.detector.threshold_q15[row] == 32768]
    said = [line for line in log_lines if line.endswith("will never be raised")]
    assert never and len(said) == 1 and f": {', '.join(never)} will" in said[0]


def test_export_with_speech_chooses_by_validation_speakers_and_clips_for_a_rate(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    export.add_parser(parser.add_subparsers())
    common = ["export", "--run", "r", "--out", str(tmp_path)]
    job = export._choice_of(parser.parse_args([*common, "--data", "d", "--speech", "a", "--speech", "b"]))
    assert job.bundles == (tmp_path,) and [folder.speakers for folder in job.speech] == ["validation"] * 2
    assert job.clips.validation == Path("d") and job.choice == Choice(None, 0.9, write=True)
    assert export._choice_of(parser.parse_args(common)) is None
    assert cli.main(common) == 2 and "threshold" not in capsys.readouterr().err  # of a bundle that is not written
    for words, message in (
        (["--confidence", "0.8"], "Give --speech too"),
        (["--speech", "a"], "Give --data"),
        (["--speech", "a", "--data", "d", "--word-times", "a", "--word-times", "b"], "one for each"),
    ):
        with pytest.raises(KwsError, match=message):
            export._choice_of(parser.parse_args([*common, *words]))


def test_wanted_rate_is_as_low_as_the_speech_can_tell():
    assert wanted_rate(Choice(), 0.5) == 2.0
    assert wanted_rate(Choice(), 0.02) == pytest.approx(5.0)
    assert wanted_rate(Choice(7.0), 0.02) == 7.0


def test_recorded_noise_is_what_is_kept_for_testing_and_background_noise_whole(tmp_path):
    for number in range(6):
        write_recording(tmp_path / f"rain/{number}.wav", 0.1, seed=number)
        write_recording(tmp_path / f"_background_noise_/{number}.wav", 0.1, seed=number)
    heard = recorded_noise([tmp_path / "_background_noise_"])
    assert sum(len(part.files) for part in heard.parts) == 6
    assert [piece.samples for piece in heard.pieces] == [9600] and len(heard.pcm(0)) == 9600
    assert sum(len(part.files) for part in recorded_noise([tmp_path / "rain"]).parts) == 2
