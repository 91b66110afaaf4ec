"""What a seed means stays what it was: digests of loaded clips, of an epoch's plan and of its augmented samples."""

import hashlib

import numpy as np
import pytest
from kws_training.data import render
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.features import CHUNK_CLIPS
from kws_training.data.load_clips import load_clips

from tests.support.clip_files import write_wav

WORDS = ("yes", "no")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Seeded noise as recordings: a data set with lists and background noise, and a folder to train with besides."""
    root, extra = tmp_path_factory.mktemp("recordings"), tmp_path_factory.mktemp("extra")
    rng = np.random.default_rng(0)

    def write(path, samples):
        path.parent.mkdir(exist_ok=True)
        write_wav(path, rng.integers(-4000, 4001, samples).astype(np.int16))

    names = [f"{word}/{speaker:08x}_nohash_0.wav" for word in (*WORDS, "cat", "dog") for speaker in range(12)]
    for name in names:
        write(root / name, 16000)
    (root / "validation_list.txt").write_text("".join(f"{name}\n" for name in names if "00000003" in name))
    write(root / "_background_noise_/hiss.wav", 40000)
    for index, samples in enumerate((9000, 16000, 30000)):
        write(extra / f"yes/espeak-m{index}_nohash_0.wav", samples)
        write(extra / f"house/long{index}_nohash_0.wav", samples)
    return root, extra


def load(folders, split):
    root, extra = folders
    return load_clips(ClipSpec(root, split, (FolderSpec(extra, to_train=True),), WORDS, unknown_percent=50.0))


def digest(*arrays) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


@pytest.mark.parametrize(
    ("split", "clips", "samples", "names"),
    [
        ("training", 46, "ddf8d5dd1c350ec3", "41e0ee47333a81f3"),
        ("validation", 10, "a2021268d63214f4", "97787572f6b42bce"),
    ],
)
def test_load_clips_of_a_seeded_folder_gives_the_known_samples(folders, split, clips, samples, names):
    found = load(folders, split)
    assert len(found) == clips and found.sha256()[:16] == samples
    assert hashlib.sha256("\n".join((*found.names, *found.words)).encode()).hexdigest()[:16] == names


def test_plan_epoch_of_a_seed_gives_the_known_rows(folders):
    config = AugmentConfig(unknown_percent=80, keyword_balance=0.5, synthetic_keywords=0.5, unknown_balance=0.5)
    assert (
        digest(*(plan_epoch(load(folders, "training"), 7, epoch, config) for epoch in range(3))) == "4d94394f99ea7a0c"
    )


def test_render_chunk_of_a_seed_gives_the_known_samples(folders, monkeypatch):
    """The samples that the front end is given: float32 in steps of int16, which no matrix product has touched."""
    given = []

    def front_end(pcm, *_):
        given.append(pcm.copy())
        return np.zeros((len(pcm), 98, 40), np.float32)

    monkeypatch.setattr(render, "mfcc_float", front_end)
    clips, config = load(folders, "training"), AugmentConfig()
    rows = plan_epoch(clips, 7, 1, config)
    render.render_chunk(clips, rows[:CHUNK_CLIPS], 7, 1, 0, config)
    (pcm,) = given
    assert digest(pcm.astype(np.int16)) == "c433fbb6353a6f49" and np.array_equal(pcm, pcm.astype(np.int16))
