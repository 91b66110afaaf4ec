"""Streaming scores of long recordings equal the reference's, and are kept."""

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.network import batched as stacked_network
from kws_reference.pipeline import Pipeline
from kws_training.data.recordings import Recordings, RecordingSpec
from kws_training.evaluate import scores as streaming
from kws_training.evaluate.listener import Listener
from kws_training.evaluate.scores import stream_scores

from tests.support.detection import clip_set, with_labels
from tests.support.models import matchbox, odd_channels


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """A small model of random weights with the labels of a kit."""
    return with_labels(odd_channels().write(tmp_path_factory.mktemp("bundle")))


def test_stream_scores_equal_the_pipeline_of_the_reference(bundle):
    recordings = Recordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    done = []
    scores = stream_scores(bundle, recordings, done.append, workers=2)
    assert done == [1, 2, 3] and len(scores) == 3
    listener = Listener(bundle, recordings.pieces, scores)
    for index in range(3):
        steps = Pipeline(bundle).run(recordings.pcm(index))
        assert scores[index].tolist() == [step.scores.tolist() for step in steps]
        events = [(step.index, step.detection.label) for step in steps if step.detection]
        heard = listener.raised(index, bundle.detector)
        assert [(one.sample, one.label) for one in heard] == [
            (bundle.clock.end_samples(step), label) for step, label in events
        ]


@pytest.mark.parametrize("fault", ["none", "a score", "a state", "an operation"])
def test_run_side_by_side_equals_tflite_micro_whatever_is_wrong_with_it(tmp_path, monkeypatch, fault):
    bundle = matchbox().write(tmp_path)
    recordings = Recordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    streaming._start(bundle.path, recordings)

    class Faulty(stacked_network.StackedNetwork):
        def step(self, features):
            scores = super().step(features)
            if fault == "a score":
                scores[:, 1] ^= 1
            if fault == "a state":
                self._states[0][0, 0, 0] += 1
            return scores

        def __init__(self, *args):
            if fault == "an operation":
                raise stacked_network.Unsupported("SOFTMAX")
            super().__init__(*args)

    monkeypatch.setattr(stacked_network, "StackedNetwork", Faulty)
    alone = []
    monkeypatch.setattr(
        stacked_network, "_one_by_one", lambda *args, real=stacked_network._one_by_one: alone.append(1) or real(*args)
    )
    got = streaming._run(range(3))
    assert len(alone) == (0 if fault == "none" else 3)
    for index in range(3):
        expected = [step.scores for step in Pipeline(bundle).run(recordings.pcm(index))]
        np.testing.assert_array_equal(got[index], expected)
