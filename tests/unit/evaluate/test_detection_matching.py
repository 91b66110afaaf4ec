"""Which word a detection belongs to, and why a false accept is one."""

import pytest
from kws_reference.labels import SILENCE, UNKNOWN
from kws_training.evaluate.matching import Cause, match

from tests.support.detection import word

YES, NO = "yes", "no"


def causes(detections, words):
    return [one.word.start if one.found else one.cause.value for one in match(detections, words, tolerance=1000)]


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([(5000, YES)], [5000]),  # with the first sample
        ([(4999, YES)], ["noise"]),
        ([(9000, YES)], [5000]),  # the last moment of the tolerance
        ([(9001, YES)], ["noise"]),
        ([(6000, YES), (7000, YES)], [5000, "repeated"]),
        ([(6000, NO)], ["other keyword"]),
        ([(6000, NO), (7000, YES)], ["other keyword", 5000]),
        ([(20500, NO)], ["unknown word"]),
        ([(40500, YES)], ["noise"]),  # a clip of noise
        ([(60500, YES), (61500, YES)], [60000, 61000]),  # the first of two that take it in, then the second
        ([(61500, YES)], [60000]),
        ([(71500, YES)], ["unknown word"]),  # the word that began last
        ([], []),
    ],
)
def test_match_detection_gets_its_word_or_its_cause(detections, expected):
    words = [
        word(YES, 5000, 8000),
        word(UNKNOWN, 20000, 21000),
        word(SILENCE, 40000, 42000),
        word(YES, 60000, 60600),
        word(YES, 61000, 61600),
        word(NO, 70000, 70800),
        word(UNKNOWN, 71000, 71400),
    ]
    assert causes(detections, words) == expected


def test_match_false_accept_names_the_word_that_raised_it():
    words = [word(YES, 5000, 8000), word(UNKNOWN, 20000, 21000)]
    found = match([(6000, YES), (7000, YES), (20500, NO), (40000, NO)], words, tolerance=1000)
    assert [one.word and one.word.start for one in found] == [5000, 5000, 20000, None]


@pytest.mark.parametrize("label", [UNKNOWN, SILENCE])
def test_match_detection_of_no_keyword_finds_no_word(label):
    (found,) = match([(8000, label)], [word(label, 0, 16000)], 0)
    assert found.cause is (Cause.UNKNOWN_WORD if label == UNKNOWN else Cause.NOISE) and not found.found
