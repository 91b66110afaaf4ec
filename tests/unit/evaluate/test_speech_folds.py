"""Folds of speakers: each is kept out of one, and what was trained on whom is known."""

import pytest
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.data.scenes.load_speech import SpeechFolder, load_speech
from kws_training.data.speech.corpus import Fold, speech_corpus, split_speakers

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
