"""Kept results of the reference: found again as they were, and by nothing else than what they depend on."""

import dataclasses
import logging

import kws_reference
import numpy as np
import pytest
from kws_host import project
from kws_host.bulk import BulkResults
from kws_host.reference_cache import ReferenceCache
from kws_reference.bundle import Bundle

AUDIO = [np.arange(100, dtype=np.int16), np.zeros(0, np.int16), np.ones(5, np.int16)]


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(project.RELEASED_BUNDLE)


@pytest.fixture
def cache(tmp_path):
    return ReferenceCache(tmp_path / "cache")


def results() -> list[BulkResults]:
    """Of three recordings with three, no and one step."""
    rng = np.random.default_rng(1)
    return [
        BulkResults(
            rng.integers(0, 2**32, steps, np.uint32),
            rng.integers(-128, 128, (steps, 12), np.int8),
            rng.integers(0, 2**16, (steps, 2), np.uint16),
        )
        for steps in (3, 0, 1)
    ]


def test_cache_kept_results_come_back_as_they_were(cache, bundle):
    assert cache.load(bundle, AUDIO) is None
    cache.keep(bundle, AUDIO, kept := results())
    found = cache.load(bundle, AUDIO)
    assert len(found) == 3
    for before, after in zip(kept, found, strict=True):
        for field in dataclasses.fields(BulkResults):
            a, b = getattr(before, field.name), getattr(after, field.name)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_cache_of_another_bundle_or_other_audio_is_not_taken(cache, bundle):
    cache.keep(bundle, AUDIO, results())
    assert cache.load(dataclasses.replace(bundle, model=bundle.model + b"\0"), AUDIO) is None
    assert cache.load(dataclasses.replace(bundle, manifest={**bundle.manifest, "name": "x"}), AUDIO) is None
    for other in ([*AUDIO[:2], np.ones(6, np.int16)], AUDIO[:2], [AUDIO[1], AUDIO[0], AUDIO[2]]):
        assert cache.load(bundle, other) is None


@pytest.mark.parametrize("source", ["pipeline.py", "network/oracle.py", "frontend/deep/new.py"])
def test_cache_of_another_reference_is_not_taken(cache, bundle, tmp_path, monkeypatch, source):
    """Sources of every room count, also of one that is new."""
    monkeypatch.setattr(kws_reference, "__file__", str(tmp_path / "kws_reference/__init__.py"))
    path = tmp_path / "kws_reference" / source
    path.parent.mkdir(parents=True)
    path.write_text("before = 1\n")
    cache.keep(bundle, AUDIO, results())
    assert cache.load(bundle, AUDIO) is not None
    path.write_text("after = 1\n")
    assert cache.load(bundle, AUDIO) is None


def test_cache_damaged_file_is_told_and_not_taken(cache, bundle, caplog):
    cache.keep(bundle, AUDIO, results())
    (path,) = cache.folder.glob("reference-*.npz")
    path.write_bytes(path.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        assert cache.load(bundle, AUDIO) is None
    assert "computed anew" in caplog.text


def test_cache_folder_that_cannot_be_made_is_told(bundle, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        ReferenceCache(tmp_path / "file" / "cache").keep(bundle, AUDIO, results())
    assert "are not kept" in caplog.text
