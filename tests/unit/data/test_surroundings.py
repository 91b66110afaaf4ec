"""Surroundings of ordinary clips: off they change nothing, on they are a function of data, options and seed."""

import dataclasses
import json

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN, LabelSet
from kws_training.data import render
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_cache import EpochCache
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.surroundings import Sources, in_the_air, recorded, silent
from kws_training.data.surroundings_config import SurroundingsConfig
from kws_training.train.recipe import Recipe

ON = SurroundingsConfig(
    room_share=0.5, microphone_share=0.5, noise_share=0.5, talker_share=0.3, overdrive_share=0.1, gate_share=0.2,
    floor_share=0.3, texture_share=0.5,
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_rooms(monkeypatch):
    monkeypatch.setattr("kws_training.data.signal.rooms.room_bank.__wrapped__.__defaults__", (0, 4))


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    labels = LabelSet.of_words(("yes",))
    rows = labels.rows_of(["yes"] * 24 + [UNKNOWN] * 8)
    pcm = rng.normal(0, 800, (32, 16000))
    pcm[:, :7000] /= 500
    return ClipSet(
        pcm=pcm.astype(np.int16),
        labels=np.array(rows),
        words=("yes",) * 24 + ("tree",) * 8,
        names=tuple(f"word/{row}.wav" for row in range(32)),
        noise=(rng.normal(0, 300, 40000).astype(np.int16),),
        label_names=labels,
        everyday_noise=(rng.normal(0, 3000, 30000).astype(np.int16),),
    )


def rendered(clips, config, monkeypatch, seed=3):
    """The samples that the front end is given."""
    given = []

    def front_end(pcm, *_):
        given.append(pcm.copy())
        return np.zeros((len(pcm), 98, 40), np.float32)

    with monkeypatch.context() as patch:
        patch.setattr(render, "mfcc_float", front_end)
        rows = np.concatenate([np.arange(32), np.full(16, -1)])
        _, labels = render.render_chunk(clips, rows, seed, 0, 0, config)
    assert np.all(labels[32:] == clips.label_names.index(SILENCE))
    return given[0]


def with_(**shares):
    return AugmentConfig(surroundings=SurroundingsConfig(**shares))


def test_render_chunk_surroundings_off_are_the_samples_without_them(clips, monkeypatch):
    plain = dataclasses.replace(clips, everyday_noise=())
    expected = rendered(plain, AugmentConfig(), monkeypatch)
    np.testing.assert_array_equal(rendered(clips, with_(texture_lsb=5.0, noise_low_db=-5.0), monkeypatch), expected)


@pytest.mark.parametrize("share", [name for name in vars(ON) if name.endswith("_share")])
def test_render_chunk_each_share_touches_its_clips_and_no_other_draw(clips, share, monkeypatch):
    expected = rendered(clips, AugmentConfig(), monkeypatch)
    found = rendered(clips, with_(**{share: 0.5}), monkeypatch)
    touched = np.any(found != expected, axis=1)
    words, drawn = touched[:32].mean(), touched[32:].mean()
    assert words == 0 if share == "texture_share" else 0.15 < words < 0.85
    assert drawn == 0 if share in ("room_share", "talker_share") else 0.15 < drawn < 0.9


def test_render_chunk_textures_of_silence_are_a_few_bits(clips, monkeypatch):
    found = rendered(clips, with_(texture_share=1.0, texture_lsb=4.0), monkeypatch)
    assert np.abs(found[32:]).max() < 60 and np.any(found[32:] != 0)


def test_render_epoch_workers_with_surroundings_equal_this_process(clips, monkeypatch):
    monkeypatch.undo()  # workers draw all rooms
    config = AugmentConfig(silence_percent=50.0, surroundings=dataclasses.replace(ON, room_share=0.0))
    with EpochRenderer(clips, 5, config, workers=1, last_epoch=0) as renderer:
        features, labels = renderer.epoch(0)
    expected, expected_labels = render.render_epoch(clips, 5, 0, config)
    assert features.tobytes() == expected.tobytes() and np.array_equal(labels, expected_labels)


def test_in_the_air_of_another_seed_has_other_rooms(clips):
    config = SurroundingsConfig(room_share=1.0)
    found = [
        in_the_air(np.random.default_rng(1), clips.pcm.astype(np.float32), Sources((), (), seed), config)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])


def test_silent_noise_of_other_places_is_at_any_level(clips):
    pcm = np.full((64, 16000), 7, np.float32)
    out = silent(np.random.default_rng(0), pcm, Sources(clips.everyday_noise, ()), SurroundingsConfig(noise_share=1.0))
    assert out.std(axis=1).min() < 10 and out.std(axis=1).max() > 500


def test_recorded_gate_closes_over_the_floor_of_before():
    pcm = np.zeros((20, 16000), np.float32)
    pcm[:, 6000:8000] = 3000
    out = recorded(np.random.default_rng(0), pcm.copy(), SurroundingsConfig(gate_share=1.0, texture_lsb=3.0))
    np.testing.assert_array_equal(out[:, 6000:8000], pcm[:, 6000:8000])
    assert 0.2 < np.mean(np.any(out[:, 12000:] != 0, axis=1)) < 0.8


def test_clip_set_digest_without_everyday_noise_is_that_of_before(clips, tmp_path):
    plain = dataclasses.replace(clips, everyday_noise=())
    assert plain.sha256() != clips.sha256()
    paths = {EpochCache(tmp_path, item, 1, AugmentConfig(), None).path(0) for item in (plain, clips)}
    assert len(paths) == 2


def test_recipe_record_without_surroundings_is_that_of_before():
    record = json.loads(json.dumps(Recipe().to_dict()))
    assert "surroundings" not in record["augment"] and record["augment"]["noise_volume"] == 0.1
    assert json.loads(json.dumps(Recipe(augment=with_(room_share=0.5)).to_dict()))["augment"]["surroundings"] == {
        **dataclasses.asdict(SurroundingsConfig()),
        "room_share": 0.5,
    }


@pytest.mark.parametrize(
    "change", [{"room_share": 1.5}, {"texture_lsb": 0.0}, {"noise_low_db": 20.0, "noise_high_db": 10.0}]
)
def test_surroundings_config_bad_value_is_named(change):
    with pytest.raises(KwsError, match="augmentation " + next(iter(change)).split("_")[0]):
        SurroundingsConfig(**change)
