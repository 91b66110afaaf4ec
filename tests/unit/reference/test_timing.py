"""The step clock against the front end's own frames, and its rounding."""

import dataclasses

import numpy as np
import pytest
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.integer import MfccStream
from kws_reference.timing import MAX_REFRACTORY_STEPS, MAX_SMOOTHING_STEPS, StepClock

KIT = FrontendConfig().clock(2)
CLOCKS = {
    "kit, two frames": KIT,
    "one frame": FrontendConfig().clock(1),
    "window equals hop": StepClock(16000, 512, 512, 3),
    "nothing divides": StepClock(44100, 801, 333, 4),
    "hop of one sample": StepClock(8000, 5, 1, 2),
}


@pytest.fixture(params=CLOCKS.values(), ids=CLOCKS)
def clock(request):
    return request.param


def test_clock_kit_front_end_gives_its_geometry():
    assert dataclasses.astuple(KIT) == (16000, 480, 160, 2)
    assert (KIT.first_step_samples, KIT.step_samples, KIT.step_s, KIT.step_ms) == (640, 320, 0.02, 20.0)
    assert (KIT.steps_in(639), KIT.steps_in(640), KIT.steps_in(959), KIT.steps_in(960)) == (0, 1, 1, 2)
    assert KIT.steps_in(16000) == 49 and KIT.samples_for(49) == 16000 and KIT.end_s(48) == 1.0


def test_clock_every_sample_count_equals_counting_frames_one_by_one(clock):
    ends = [clock.window_samples + frame * clock.hop_samples for frame in range(6 * clock.frames_per_step)]
    for samples in range(ends[-1] + 1):
        frames = sum(end <= samples for end in ends)
        assert clock.frames_in(samples) == frames
        assert clock.steps_in(samples) == frames // clock.frames_per_step


def test_clock_fewest_samples_of_a_step_complete_it_and_one_less_does_not(clock):
    assert clock.samples_for(0) == 0
    for steps in range(1, 50):
        needed = clock.samples_for(steps)
        assert clock.end_samples(steps - 1) == needed
        assert (clock.steps_in(needed), clock.steps_in(needed - 1)) == (steps, steps - 1)
        assert clock.end_s(steps - 1) == needed / clock.sample_rate_hz


@pytest.mark.parametrize("samples", [0, 100, 479, 480, 639, 640, 5000])
def test_clock_frames_are_those_that_the_integer_front_end_gives(samples):
    config = FrontendConfig()
    frames = MfccStream(config).push(np.zeros(samples, np.int16))
    assert config.clock(2).frames_in(samples) == config.frame_count(samples) == len(frames)


@pytest.mark.parametrize("shape", [(7, 3), (6, 3), (1, 3), (0, 3), (2, 7, 3)])
def test_clock_whole_steps_keep_every_frame_but_the_remainder(shape):
    frames = np.arange(np.prod(shape)).reshape(shape)
    steps = KIT.whole_steps(frames)
    assert steps.shape == (*shape[:-2], shape[-2] // 2, 2, 3)
    np.testing.assert_array_equal(steps.reshape(*shape[:-2], -1, 3), frames[..., : shape[-2] // 2 * 2, :])


def test_clock_array_of_steps_gives_an_array(clock):
    steps = np.arange(20)
    np.testing.assert_array_equal(clock.end_samples(steps), [clock.end_samples(step) for step in range(20)])
    np.testing.assert_array_equal(
        clock.end_samples_at(steps, 16000), [clock.end_samples_at(step, 16000) for step in range(20)]
    )


def test_clock_of_another_rate_rounds_up_to_the_sample_after_the_step():
    assert KIT.end_samples_at(7, 16000) == KIT.end_samples(7)
    assert KIT.end_samples_at(0, 8000) == 320
    slow = StepClock(44100, 801, 333, 4)  # step 0 after 1800 samples, 653.06 of 16 kHz
    assert slow.end_samples_at(0, 16000) == 654


def test_clock_durations_round_to_the_nearest_step_and_to_the_even_one_of_two():
    assert [KIT.nearest_steps(seconds) for seconds in (0.0, 0.009, 0.011, 0.2, 1.2)] == [0, 0, 1, 10, 60]
    whole_seconds = StepClock(1000, 1000, 1000, 1)
    assert [whole_seconds.nearest_steps(seconds) for seconds in (0.5, 1.5, 2.5)] == [0, 2, 2]


def test_clock_durations_of_a_detector_stay_within_its_range():
    assert (KIT.smoothing_steps(0.0), KIT.smoothing_steps(0.2), KIT.smoothing_steps(60.0)) == (
        1,
        10,
        MAX_SMOOTHING_STEPS,
    )
    assert (KIT.refractory_steps(0.0), KIT.refractory_steps(1.2)) == (0, 60)
    assert KIT.refractory_steps(1e6) == MAX_REFRACTORY_STEPS
