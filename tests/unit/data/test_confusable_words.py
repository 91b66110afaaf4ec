"""What a label could be taken for: parts, halves, repeats, opposites, names, cadence, near words of a dictionary."""

import shutil

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training.data.text_to_speech import dictionary_words, unknown_words
from kws_training.data.text_to_speech.confusable_phrases import confusable_phrases
from kws_training.data.text_to_speech.syllables import halves, syllable_count, syllables

DICTIONARY = {
    "jarvis": (("JH", "AA", "R", "V", "AH", "S"),),
    "sarvis": (("S", "AA", "R", "V", "IH", "S"), ("S", "AA", "R", "V", "AH", "S")),
    "jarvik": (("JH", "AA", "R", "V", "IH", "K"),),
    "harvest": (("HH", "AA", "R", "V", "AH", "S", "T"),),
    "kitchen": (("K", "IH", "CH", "AH", "N"),),
    "internationalization": (("IH", "N", "T", "ER"),),
}


@pytest.mark.parametrize(
    "word, parts",
    [
        ("jarvis", ["jar", "vis"]),
        ("computer", ["com", "pu", "ter"]),
        ("lights", ["lights"]),
        ("house", ["house"]),
        ("machine", ["ma", "chine"]),
        ("open", ["o", "pen"]),
        ("question", ["ques", "tion"]),
        ("hmm", ["hmm"]),
    ],
)
def test_syllables_make_up_the_word(word, parts):
    assert syllables(word) == parts and "".join(parts) == word


def test_halves_are_beginnings_and_ends_that_can_be_said():
    assert halves("computer") == ["com", "puter", "compu", "ter"]
    assert halves("open") == ["pen"] and halves("lights") == []


def test_phrase_is_confused_with_its_parts_repeats_opposites_and_other_names():
    found = confusable_phrases("hey jarvis", 30, np.random.default_rng(1))
    assert {"hey", "jarvis", "hey hey", "jarvis jarvis", "jarvis hey", "okay jarvis", "jar", "vis"} <= set(found)
    assert sum(text.startswith("hey ") and text.split()[1] not in ("hey", "jarvis") for text in found) >= 4
    assert len(found) == len(set(found)) == 30 and "hey jarvis" not in found
    assert "turn off" in confusable_phrases("turn on", 6, np.random.default_rng(1))


def test_word_is_confused_with_its_halves_then_with_words_of_its_cadence():
    found = confusable_phrases("jarvis", 14, np.random.default_rng(2))
    assert found[:4] == ["jar", "vis", "jar jar", "vis vis"]
    assert all(syllable_count(text) == 2 for text in found[4:]) and len(found) == 14
    assert found == confusable_phrases("jarvis", 14, np.random.default_rng(2))
    assert confusable_phrases("go", 0, np.random.default_rng(2)) == []


def test_dictionary_words_are_the_nearest_and_not_those_that_sound_the_same(monkeypatch):
    monkeypatch.setattr(dictionary_words, "dictionary", lambda: DICTIONARY)
    monkeypatch.setattr(dictionary_words, "pronounced", lambda words: {word: DICTIONARY[word] for word in words})
    assert dictionary_words.dictionary_words("jarvis") == ["sarvis", "harvest", "jarvik"]
    assert dictionary_words.dictionary_words("jarvis", taken=("sarvis",)) == ["harvest", "jarvik"]


def test_without_the_dictionary_there_are_none_and_the_log_says_so(monkeypatch, log_lines):
    def absent():
        raise KwsError("pocketsphinx is not there")

    monkeypatch.setattr(dictionary_words, "dictionary", absent)
    monkeypatch.setattr(dictionary_words, "pronounced", lambda words: {word: ((),) for word in words})
    assert dictionary_words.dictionary_words("jarvis") == []
    assert len(log_lines) == 1 and "pocketsphinx is not there" in log_lines[0]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="missing: espeak-ng (make demo-words installs)")
def test_unknown_words_hold_halves_near_words_and_common_words_but_no_other_spelling(monkeypatch):
    monkeypatch.setattr(unknown_words, "dictionary_words", lambda label, taken: ["sarvis", "jarvik", "charvis"])
    found = unknown_words.unknown_words(("jarvis",), 20, 1, spellings={"jarvis": ("charvis",)})
    assert {"jar", "vis", "sarvis", "jarvik"} <= set(found) and "charvis" not in found and len(found) == 20
