"""Streaming scores of long recordings equal the reference's, and are kept."""

import logging

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.network import operators
from kws_reference.network.batched import BatchedNetwork
from kws_reference.network.scoring import InterpretersDiffer, Scorer
from kws_reference.pipeline import Pipeline
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import RecordingSpec
from kws_training.evaluate import scores as streaming
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import stream_scores

from tests.support.detection import clip_set, with_labels
from tests.support.models import matchbox, odd_channels


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """A small model of random weights with the labels of a kit."""
    return with_labels(odd_channels().write(tmp_path_factory.mktemp("bundle")))


@pytest.mark.slow
def test_stream_scores_equal_the_pipeline_of_the_reference(bundle):
    recordings = LongRecordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    done = []
    scores = stream_scores(bundle, recordings, done.append, workers=2)
    assert done == [1, 2, 3] and len(scores) == 3
    replay = DetectorReplay(bundle, recordings.pieces, scores)
    for index in range(3):
        steps = Pipeline(bundle).run(recordings.pcm(index))
        assert scores[index].tolist() == [step.scores.tolist() for step in steps]
        events = [(step.index, step.detection.label) for step in steps if step.detection]
        heard = replay.detections(index, bundle.detector)
        assert [(one.sample, one.label) for one in heard] == [
            (bundle.clock.end_samples(step), label) for step, label in events
        ]


def test_stream_scores_of_a_model_unknown_to_the_batched_interpreter_equal_the_pipeline(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    bundle = matchbox().write(tmp_path)
    recordings = LongRecordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    monkeypatch.delitem(operators._BUILDERS, "ADD")  # here, where it is decided, and not in the workers
    scores = stream_scores(bundle, recordings, workers=2)
    assert [record.message for record in caplog.records if "does not know ADD (operator " in record.message]
    assert len(caplog.records) == 1
    for index in range(3):
        expected = [step.scores for step in Pipeline(bundle).run(recordings.pcm(index))]
        np.testing.assert_array_equal(scores[index], expected)


def test_run_with_a_wrong_integer_of_the_batched_interpreter_is_an_error(bundle, monkeypatch):
    recordings = LongRecordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))

    class Faulty(BatchedNetwork):
        def step(self, features):
            scores = super().step(features)
            scores[:, 1] ^= 1
            return scores

    monkeypatch.setattr("kws_reference.network.scoring.BatchedNetwork", Faulty)
    streaming._start(Scorer(bundle), recordings)
    with pytest.raises(InterpretersDiffer, match="value 1 of scores is"):
        streaming._run(range(3))
