"""Scores of many pieces: which interpreter runs them, that a wrong integer is an error, that the slow way is said."""

import dataclasses
import logging
import pickle

import numpy as np
import pytest
from kws_reference.cli.log import set_up
from kws_reference.cli.program import USAGE, status_of
from kws_reference.errors import KwsError
from kws_reference.network import operators
from kws_reference.network.batched import BatchedNetwork
from kws_reference.network.oracle import Network
from kws_reference.network.scoring import STREAMS, InterpretersDiffer, Scorer

from tests.support import models

LENGTHS = (12, 0, 7, 30)


@pytest.fixture
def bundle(tmp_path):
    return models.matchbox().write(tmp_path)


@pytest.fixture
def pieces(bundle):
    rng = np.random.default_rng(0)
    return [rng.integers(-128, 128, (steps, *bundle.features.shape[1:])).astype(np.int8) for steps in LENGTHS]


def by_tflite_micro(bundle, pieces):
    network, found = Network(bundle), []
    for piece in pieces:
        network.reset()
        found.append(np.array([network.step(step) for step in piece], np.int8).reshape(len(piece), len(bundle.labels)))
    return found


def assert_same(got, wanted):
    assert len(got) == len(wanted)
    for scores, expected in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(scores, expected)


def test_scorer_of_a_known_model_gives_tflite_micros_scores(bundle, pieces, caplog):
    caplog.set_level(logging.DEBUG)
    scorer = Scorer(bundle)
    assert scorer.batched and not caplog.records
    assert_same(scorer.scores(pieces), by_tflite_micro(bundle, pieces))


def test_scorer_of_more_pieces_than_go_side_by_side_keeps_their_order(bundle, pieces):
    many = [piece[:3] for piece in pieces] * (STREAMS // len(pieces) + 1)
    assert_same(Scorer(bundle).scores(many), by_tflite_micro(bundle, many))


def test_scorer_of_a_model_that_contradicts_its_manifest_is_refused(bundle, tmp_path):
    other = dataclasses.replace(bundle, model=models.no_states().write(tmp_path / "other").model)
    with pytest.raises(KwsError, match="does not run the model: Input index"):
        Scorer(other)


def test_scorer_without_pieces_gives_none(bundle):
    assert Scorer(bundle).scores([]) == []


def test_scorer_of_an_unknown_model_says_so_once_and_gives_tflite_micros_scores(bundle, pieces, caplog, monkeypatch):
    monkeypatch.delitem(operators._BUILDERS, "ADD")
    caplog.set_level(logging.INFO)
    scorer = Scorer(bundle)
    assert not scorer.batched
    assert_same(scorer.scores(pieces), by_tflite_micro(bundle, pieces))
    assert_same(scorer.scores(pieces[:1]), by_tflite_micro(bundle, pieces[:1]))
    (record,) = caplog.records
    assert record.name == "kws_reference.network.scoring"
    assert "one stream at a time" in record.message and "does not know ADD (operator " in record.message


def test_scorer_in_another_process_decides_and_says_nothing_anew(bundle, pieces, caplog, monkeypatch):
    with monkeypatch.context() as unknown:
        unknown.delitem(operators._BUILDERS, "ADD")
        scorer = Scorer(bundle)
    scorer.scores(pieces[:1])  # has made its interpreter, which is not handed on
    caplog.set_level(logging.INFO)
    caplog.clear()
    other = pickle.loads(pickle.dumps(scorer))
    assert not other.batched and not caplog.records
    assert_same(other.scores(pieces), by_tflite_micro(bundle, pieces))


def wrong_score(network, scores):
    scores[:, 1] ^= 1


def wrong_state(network, scores):
    network._states[0][0, 0, 0] += 1


@pytest.mark.parametrize(
    ("fault", "message"), [(wrong_score, "value 1 of scores is"), (wrong_state, "value 0 of state block1 is")]
)
def test_scorer_a_wrong_integer_of_the_batched_interpreter_is_an_error(bundle, pieces, monkeypatch, fault, message):
    class Faulty(BatchedNetwork):
        def step(self, features):
            scores = super().step(features)
            fault(self, scores)
            return scores

    monkeypatch.setattr("kws_reference.network.scoring.BatchedNetwork", Faulty)
    with pytest.raises(InterpretersDiffer, match=f"the batched interpreter is wrong: in step 0, {message}"):
        Scorer(bundle).scores(pieces)


def test_program_that_meets_a_wrong_integer_ends_in_one_line(bundle, pieces, monkeypatch, capsys):
    monkeypatch.setattr("kws_reference.tflite.fixed_point.mean", lambda total, count: total // count)
    set_up()
    assert status_of(lambda: len(Scorer(bundle).scores(pieces))) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {bundle.path}: the batched interpreter is wrong: in step ")


def test_scorer_an_operator_with_wrong_arithmetic_is_an_error(bundle, pieces, monkeypatch):
    monkeypatch.setattr("kws_reference.tflite.fixed_point.mean", lambda total, count: total // count)
    with pytest.raises(InterpretersDiffer, match="TFLite Micro's is"):
        Scorer(bundle).scores(pieces)
