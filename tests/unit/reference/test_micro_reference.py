"""The micro front end's reference equals TensorFlow's library, as pymicro-features has it compiled."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.errors import KwsError
from kws_reference.frontend.log1p import log1p
from kws_reference.frontend.micro import Micro, MicroStream
from kws_reference.frontend.micro_config import quantized

from tests.support.frontend_native import MICRO_CONFIG, OTHER_MICRO_CONFIGS
from tests.support.signals import hostile, micro_hostile, speech_like

HOSTILE = {**hostile(8000), **micro_hostile(8000), "speech": speech_like(4.0)}
# The library takes whole milliseconds.
CONFIGS = {name: config for name, config in OTHER_MICRO_CONFIGS.items() if name != "odd_window"}


@pytest.fixture(scope="module")
def microfrontend():
    pytest.importorskip("micro_features_cpp", reason="needs pymicro-features (extra `dev`)")
    from tests.support import microfrontend

    if not microfrontend.rounds_as_expected():
        pytest.skip("this machine's log1pf is not fdlibm's: the library derives other weights from it")
    return microfrontend


@pytest.fixture(scope="module")
def library(microfrontend):
    return microfrontend.Library(MICRO_CONFIG)


# --- Equal to the library --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_micro_hostile_signal_equals_the_library(library, name: str):
    library.reset()
    np.testing.assert_array_equal(Micro(MICRO_CONFIG).logs(HOSTILE[name]), library.push(HOSTILE[name]))


@pytest.mark.parametrize("config", CONFIGS)
def test_micro_other_config_equals_the_library(microfrontend, config: str):
    library = microfrontend.Library(CONFIGS[config])
    reference = Micro(CONFIGS[config])
    for name, pcm in HOSTILE.items():
        library.reset()
        np.testing.assert_array_equal(reference.logs(pcm), library.push(pcm), err_msg=name)


def test_micro_random_audio_of_all_levels_equals_the_library(library):
    rng = np.random.default_rng(4)
    levels = np.repeat(2.0 ** rng.uniform(0, 15, 200), 700)  # jumps: noise estimates lag behind
    pcm = np.clip(rng.normal(size=len(levels)) * levels, -32768, 32767).astype(np.int16)
    library.reset()
    logs = Micro(MICRO_CONFIG).logs(pcm)
    np.testing.assert_array_equal(logs, library.push(pcm))
    assert logs.min() == 0 and logs.max() > 600


def test_micro_package_gives_the_logarithms_over_25_6(microfrontend):
    from pymicro_features import MicroFrontend

    package, pcm, features = MicroFrontend(), HOSTILE["speech"], []
    for chunk in np.array_split(pcm, len(pcm) // 160):
        data = chunk.astype("<i2").tobytes()
        while data:
            output = package.process_samples(data)
            data = data[2 * output.samples_read :]
            features += [output.features] if output.features else []
    np.testing.assert_array_equal(np.array(features) * 25.6, Micro(MICRO_CONFIG).logs(pcm))


def test_micro_hostile_signal_exceeds_int16_within_the_transform():
    """So that the comparisons above have seen it wrap."""
    pcm, t = HOSTILE["one_bin_flat_behind_window"], Micro(MICRO_CONFIG).tables
    windows = np.lib.stride_tricks.sliding_window_view(pcm, 480)[::160]
    windowed = windows.astype(np.int32) * t.window_q12 >> 12
    points = windowed[:, 0::2] + 1j * windowed[:, 1::2]
    scaled = np.fft.fft(points, 256) / 256 * 2.0 ** (15 - np.frexp(np.abs(windowed).max(axis=1))[1])[:, None]
    assert max(np.abs(scaled.real).max(), np.abs(scaled.imag).max()) > 34000


def test_micro_one_weight_off_by_one_is_found(library):
    """The comparison sees what a C library's last bit can change."""
    faulty = Micro(dataclasses.replace(MICRO_CONFIG, high_hz=7500.5))
    changed = np.count_nonzero(faulty.tables.weight_q12 != Micro(MICRO_CONFIG).tables.weight_q12)
    library.reset()
    assert changed > 0
    assert (faulty.logs(HOSTILE["speech"]) != library.push(HOSTILE["speech"])).any()


def test_log1p_is_the_c_library_s_and_close_to_the_logarithm(microfrontend):
    x = np.concatenate([[0], 2.0 ** np.random.default_rng(0).uniform(-40, 24, 20000)]).astype(np.float32)
    np.testing.assert_allclose(log1p(x), np.log1p(x.astype(np.float64)), rtol=2**-23)  # a unit in the last place
    import ctypes

    log1pf = ctypes.CDLL(None).log1pf
    log1pf.restype, log1pf.argtypes = ctypes.c_float, [ctypes.c_float]
    assert log1p(x).tolist() == [log1pf(float(value)) for value in x]


# --- Streams and batches ---------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    chunks=st.lists(st.integers(0, 1500), max_size=12), seed=st.integers(0, 2**32 - 1), amplitude=st.integers(1, 32767)
)
def test_micro_any_chunks_give_the_same_frames(chunks, seed, amplitude):
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-amplitude, amplitude, sum(chunks)).astype(np.int16)
    stream = MicroStream(MICRO_CONFIG)
    stream.push(rng.integers(-32768, 32768, 2000).astype(np.int16))
    stream.reset()
    ends = np.cumsum(chunks)
    got = [stream.push(pcm[end - size : end]) for end, size in zip(ends, chunks, strict=True)]
    np.testing.assert_array_equal(np.concatenate([np.zeros((0, 40), np.int8), *got]), Micro(MICRO_CONFIG).frames(pcm))


def test_micro_reset_forgets_the_noise():
    stream, fresh = MicroStream(MICRO_CONFIG), MicroStream(MICRO_CONFIG)
    pcm = HOSTILE["speech"][:8000]
    first = stream.push(pcm)
    assert (stream.push(pcm)[2:] != first).any()  # it has heard the noise
    stream.reset()
    np.testing.assert_array_equal(stream.push(pcm), fresh.push(pcm))


def test_micro_batch_equals_single_clips():
    pcm = np.stack([HOSTILE[name] for name in ("random_int16", "sine_bin_10", "silence", "noise_7_bit")])
    batch = Micro(MICRO_CONFIG).frames(pcm.reshape(2, 2, -1))
    assert batch.shape == (2, 2, MICRO_CONFIG.frame_count(pcm.shape[1]), 40)
    for clip, expected in zip(pcm, batch.reshape(4, -1, 40), strict=True):
        np.testing.assert_array_equal(Micro(MICRO_CONFIG).frames(clip), expected)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (479, 0), (480, 1), (639, 1), (640, 2), (16000, 98)])
def test_micro_frame_count_first_after_a_window_then_every_hop(samples: int, frames: int):
    assert Micro(MICRO_CONFIG).frames(np.zeros(samples, np.int16)).shape == (frames, 40)
    assert MICRO_CONFIG.frame_count(samples) == frames


def test_micro_features_are_its_quantized_logarithms():
    micro = Micro(MICRO_CONFIG)
    features = micro.frames(HOSTILE["speech"])
    np.testing.assert_array_equal(features, quantized(micro.logs(HOSTILE["speech"]), MICRO_CONFIG))
    assert features.std() > 10


def test_micro_float_pcm_is_refused():
    with pytest.raises(KwsError, match="int16"):
        Micro(MICRO_CONFIG).frames(np.zeros(480))
    with pytest.raises(KwsError, match="int16"):
        MicroStream(MICRO_CONFIG).push(np.zeros(480, np.float32))
