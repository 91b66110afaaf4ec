"""What kws-train fit learns from for words of one's own: few recordings, synthetic voices, or both."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_reference.labels import Kind
from kws_training import cli
from kws_training.commands import fit
from kws_training.data import training_data
from kws_training.data.splits import hash_split
from kws_training.data.text_to_speech import task
from kws_training.data.training_data import load_training_data
from kws_training.train.job import shares_of

from tests.support.clip_files import write_wav

LABELS = ("lights", "music")


def record(folder: Path, names: list[str]) -> None:
    for index, name in enumerate(names):
        write_wav(folder / name, np.random.default_rng(index).integers(-900, 900, 16000))


def speak(labels, folder, clips, unknown, clips_per_unknown, seed, spellings) -> None:
    """In the place of the synthesisers: two words and an unknown one by voices of all splits."""
    voices = [f"espeak-f{number}" for number in range(30)]
    record(folder, [f"{word}/{voice}_nohash_0.wav" for word in (*labels, "fights") for voice in voices])


@pytest.fixture
def clips(monkeypatch, tmp_path):
    monkeypatch.setattr(task, "speak_task", speak)

    def load(*arguments):
        parser = fit.add_parser(argparse.ArgumentParser().add_subparsers())
        options = parser.parse_args([*map(str, arguments), "--out", str(tmp_path / "run")])
        job = fit.job_of(options)
        return load_training_data(job.data, LABELS, job.seed)

    return load


def speakers(found) -> set[str]:
    return {
        Path(name).name for name, silent in zip(found.names, found.kinds == Kind.SILENCE, strict=True) if not silent
    }


def test_voices_alone_are_split_by_voice(clips):
    training, validation = clips("--voices")
    assert set(training.labels) == {1, 2, 3} and set(validation.labels) == {0, 1, 2, 3}
    assert not speakers(training) & speakers(validation)
    for name in speakers(training) | speakers(validation):
        assert hash_split(name) != "testing"


def test_few_recordings_validate_beside_voices_that_are_kept_for_it(clips, tmp_path, log_lines):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in (*LABELS, "house") for index in range(10)])
    training, validation = clips("--data", data, "--voices", tmp_path / "voices")
    keywords = validation.kinds == Kind.KEYWORD
    assert (keywords & ~validation.synthetic).sum() == 4 and (keywords & validation.synthetic).any()
    assert not speakers(training) & speakers(validation)
    assert sum("fewer than 20 recordings of a label validate" in line for line in log_lines) == 1


@pytest.fixture
def two_are_enough(monkeypatch):
    monkeypatch.setattr(training_data, "FEWEST_VALIDATING", 2)


@pytest.mark.usefixtures("two_are_enough")
def test_recordings_alone_validate_and_voices_say_the_unknown_words(clips, tmp_path):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in LABELS for index in range(10)])
    training, validation = clips("--data", data, "--voices", tmp_path / "voices")
    assert (~training.synthetic).sum() == 16
    keywords = validation.kinds == Kind.KEYWORD
    assert keywords.sum() == 4 and not validation.synthetic[keywords].any()
    unknown = validation.kinds == Kind.UNKNOWN
    assert unknown.any() and validation.synthetic[unknown].all()
    assert not speakers(training) & speakers(validation)
    for name in np.array(training.names)[training.synthetic]:
        assert hash_split(name) == "training"


@pytest.mark.usefixtures("two_are_enough")
def test_recorded_unknown_words_validate_alone(clips, tmp_path):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in (*LABELS, "house") for index in range(10)])
    training, validation = clips("--data", data, "--voices", tmp_path / "voices")
    assert not validation.synthetic.any() and (validation.kinds == Kind.UNKNOWN).sum() > 0
    assert (
        training.synthetic[training.kinds == Kind.UNKNOWN].any()
        and not training.synthetic[training.kinds == Kind.UNKNOWN].all()
    )


def test_split_and_left_out_files_are_said_once(clips, tmp_path, capsys):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in (*LABELS, "house") for index in range(10)])
    record(data, [".trash/old.wav"])
    clips("--data", data)
    said = capsys.readouterr().err.splitlines()
    assert sum("30 clips, split: a fifth of the speakers" in line for line in said) == 1
    assert sum("hidden: 1 (.trash/)" in line for line in said) == 1


@pytest.mark.usefixtures("two_are_enough")
def test_recorded_unknown_words_in_their_own_folder_count_as_recorded(clips, tmp_path):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in (*LABELS, "_unknown_") for index in range(10)])
    _, validation = clips("--data", data, "--voices", tmp_path / "voices")
    assert not validation.synthetic.any() and (validation.kinds == Kind.UNKNOWN).sum() > 0


def test_hidden_folder_is_no_unknown_word(clips, tmp_path):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in LABELS for index in range(10)] + [".trash/old.wav"])
    training, validation = clips("--data", data, "--voices", tmp_path / "voices")
    assert validation.synthetic[validation.kinds == Kind.UNKNOWN].all() and ".trash/old.wav" not in training.names


def test_no_label_that_validates_is_refused(clips, tmp_path):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in (*LABELS, "house") for index in range(10)])
    (data / "validation_list.txt").write_text("house/takehouse1.wav\n")
    with pytest.raises(
        KwsError, match="validation split of .* has no recording of a label. List some in validation_list.txt"
    ):
        clips("--data", data)


def test_no_unknown_words_at_all_is_said(clips, tmp_path, capsys):
    data = tmp_path / "recordings"
    record(data, [f"{word}/take{word}{index}.wav" for word in LABELS for index in range(10)])
    clips("--data", data)
    assert "no unknown words" in capsys.readouterr().err


def test_fit_without_any_clips_is_one_line(tmp_path, capsys, clips):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")
    assert cli.main(["fit", "--labels", "lights", "--out", str(tmp_path / "run")]) == 2
    assert "Give --data FOLDER, --voices, or both" in capsys.readouterr().err
    with pytest.raises(KwsError, match="no such folder"):
        clips("--data", tmp_path / "absent", "--voices")
    assert not (tmp_path / "run").exists()


def test_few_labels_get_more_unknown_words_and_silence():
    assert shares_of(LABELS) == {"unknown_percent": 100, "silence_percent": 25}
    assert shares_of(tuple("abcdefghij")) == {}
