"""Spectrograms out of features: the energy is where the tone is."""

import dataclasses

import numpy as np
import pytest
from kws_host import project
from kws_host.png import png
from kws_host.spectrogram import Bands, palette, range_of, shades
from kws_reference.bundle import Bundle
from kws_reference.frontend import kinds


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(project.RELEASED_BUNDLE)


@pytest.mark.parametrize("hz", [300, 1000, 3000, 6000])
def test_bands_of_a_tone_are_loudest_at_its_pitch(bundle, hz):
    """24 bands of equal width in mel, from 20 to 7600 Hz: 2595 log10(1 + f / 700)."""
    pcm = np.round(6000 * np.sin(2 * np.pi * hz * np.arange(8000) / 16000)).astype(np.int16)
    features = kinds.stream(bundle.frontend, bundle.features.zero_point).push(pcm)
    levels = Bands(bundle, 24).of(features[10:20].tobytes())
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (20, 7600))
    band = int(24 * (2595 * np.log10(1 + hz / 700) - low) / (high - low))
    assert levels.shape == (10, 24) and set(np.abs(levels.argmax(axis=1) - band)) <= {0, 1}


def test_bands_are_at_most_those_of_the_front_end(bundle):
    few = dataclasses.replace(bundle, frontend=dataclasses.replace(bundle.frontend, mel_bands=10, coefficients=10,
                              feature_mean=(0.0,) * 10, feature_std=(1.0,) * 10))  # fmt: skip
    bands = Bands(few, 24)
    assert bands.count == 10 and bands.of(bytes(20)).shape == (2, 10)


def test_shades_begin_dark_and_end_light_whatever_the_levels():
    assert shades(np.array([-9.0, 0.0, 5.0, 10.0, 99.0]), 0, 10).tolist() == [0, 0, 31, 63, 63]
    colours = palette()
    assert len(set(colours)) == 64 and sum(bytes.fromhex(colours[0][1:])) < 60 < 600 < sum(
        bytes.fromhex(colours[-1][1:])
    )
    assert range_of([np.zeros(3)]) == (0.0, 4.0) and range_of([]) == (0.0, 4.0)


def test_png_is_read_by_others_as_the_same_pixels(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is missing")
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "a.png").write_bytes(png(pixels, palette()))
    with image.open(tmp_path / "a.png") as read:
        assert np.array_equal(np.array(read), pixels)
        assert "#{:02x}{:02x}{:02x}".format(*read.convert("RGB").getpixel((3, 2))) == palette()[11]
