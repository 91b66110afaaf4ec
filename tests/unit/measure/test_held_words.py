"""The trial of releases: what it plays, and that its page states what it measured."""

from types import SimpleNamespace

import numpy as np
import pytest
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, Endpoint
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet
from kws_training.convert.detector_settings import RELEASE_SHARE, release_q15
from kws_training.convert.manifest import manifest
from kws_training.measure import held_words
from kws_training.tables import held_words as table
from kws_training.tables.records import RELEASED


def test_table_marks_the_share_of_the_kit():
    assert table.render().count(f"{RELEASE_SHARE:g} of it (the kit's)") == 2


def test_released_bundles_have_the_releases_of_the_kit():
    for name in ("matchbox", "matchbox_int4"):
        bundle = Bundle.load(RELEASED.with_name(name))
        assert bundle.detector.release_q15 == release_q15(bundle.detector.threshold_q15)


def test_manifest_of_a_new_bundle_holds_every_keyword():
    tensor = Endpoint(0, "tensor", (1, 4), 1.0, 0)
    model = SimpleNamespace(features=tensor, scores=tensor, states=(), float_operators=())
    made = manifest(
        "new", LabelSet.of_words(["yes", "no"]), FrontendConfig(), 2, model, accuracy={}, provenance={}, tools={}
    )["detector"]
    assert made["threshold_q15"] == [NEVER_Q15, NEVER_Q15, 22938, 22938]
    assert made["release_q15"] == [NOT_HELD_Q15, NOT_HELD_Q15, 17204, 17204]


def test_pairs_say_a_word_twice_at_the_wanted_distance():
    labels = ["_silence_", "_unknown_", "yes", "yes", "no", "no", "no", "up"]
    spans = np.array([[1600, 9600]] * 8)
    spans[3:6, 0] = 4800
    (piece,) = held_words.pairs(labels, ("yes", "no", "up"), spans, 1, 5)
    assert len(piece.words) >= 20 and len(piece.words) % 2 == 0
    for one, other in zip(piece.words[::2], piece.words[1::2], strict=True):
        assert (
            one.label == other.label and one.clip != other.clip and one.label in ("yes", "no")
        )  # up has one clip only
        assert 1.2 * 16000 - 1 <= other.start - one.start <= 2.0 * 16000
        assert other.end <= other.clip_start + 16000 <= piece.samples


@pytest.mark.parametrize(("kind", "samples"), [("clip", 16000), ("word", 4000), ("vowel", 2400)])
def test_part_of_a_clip_is_what_is_looped(kind, samples):
    clip = np.zeros(16000)
    clip[6000:7000] = 1000.0
    looped = held_words.part(clip, np.array([5000, 9000]), kind)
    assert len(looped) == samples and looped.max() == 1000
