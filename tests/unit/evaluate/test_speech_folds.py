"""Folds of speakers: each is kept out of one, and what was trained on whom is known."""

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.scenes.load_speech import SpeechFolder, held_speakers, load_speech
from kws_training.data.speech.corpus import Fold, speech_corpus, split_speakers
from kws_training.data.training_data import TrainingData

from tests.support.clip_files import write_wav
from tests.support.libri_folder import speech_folder

TEXTS = {f"{speaker}-1-0000": "rain fell all night" for speaker in range(1, 8)}


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return speech_folder(tmp_path_factory.mktemp("speech"), TEXTS)


def test_split_speakers_by_folds_keeps_each_speaker_out_of_one(speech):
    corpus = speech_corpus(speech)
    splits = [split_speakers(corpus, Fold(number, 3)) for number in (1, 2, 3)]
    held = [speaker for split in splits for speaker in sorted(split.validation)]
    assert sorted(held) == sorted(corpus.speakers)
    assert all(split.training == frozenset(corpus.speakers) - split.validation for split in splits)
    assert [len(split.validation) for split in splits] == [3, 2, 2]
    with pytest.raises(KwsError, match="7 speakers, too few for 8 folds"):
        split_speakers(corpus, Fold(1, 8))


def test_load_speech_of_a_fold_names_the_speakers_that_train_and_those_that_do_not(speech):
    training, validation = load_speech([SpeechFolder(speech, fold=Fold.of("2/3"))], ["yes"])
    assert set(validation.speakers) == split_speakers(speech_corpus(speech), Fold(2, 3)).validation
    assert set(training.speakers) | set(validation.speakers) == set(speech_corpus(speech).speakers)
    assert not set(training.speakers) & set(validation.speakers)


def test_words_cut_from_speech_of_who_validates_do_not_train(speech, tmp_path, log_lines):
    held = held_speakers(*load_speech([SpeechFolder(speech, fold=Fold.of("2/3"))], ["yes"]))
    people = [*speech_corpus(speech).speakers, f"vocoder-{min(held)}", "0a7c2a8d"]
    for speaker in people:
        write_wav(tmp_path / f"words/rain/{speaker}_nohash_0.wav", np.full(16000, 99))
    data = TrainingData(tmp_path, (FolderSpec(tmp_path / "words", to_train=True),)).without_speakers(held)
    kept = load_clips(ClipSpec(folders=data.extra)).names
    others = {speaker for speaker in people if speaker.removeprefix("vocoder-") not in held}
    assert set(kept) == {f"rain/{speaker}_nohash_0.wav" for speaker in others} and len(kept) < len(people)
    assert any("those who say them validate in running speech" in line for line in log_lines)


@pytest.mark.parametrize("text", ["2", "0/3", "4/3", "1/1", "a/b", "1/3/5"])
def test_fold_of_another_form_is_refused(text):
    with pytest.raises(KwsError, match="such as 2/5. Received"):
        Fold.of(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--speech-fold", "1/3"], "Give --speech too"), (["--speech", "s", "--speech-fold", "3"], "such as 2/5")],
)
def test_fit_speech_fold_that_means_nothing_is_refused(words, message, tmp_path, capsys):
    assert cli.main(["fit", "--data", "d", "--out", str(tmp_path / "run"), *words]) == 2
    assert message in capsys.readouterr().err
