"""The firmware's step clock is that of kws_reference."""

import random
import subprocess

from kws_reference.timing import StepClock

from tests.support import native


def test_step_clock_many_configurations_equal_the_reference():
    random_ = random.Random(10)
    cases = []
    for _ in range(3000):
        hop = random_.choice([1, 2, 80, 160, 256, 320, 65535, random_.randint(1, 65535)])
        window = random_.choice([hop, 2 * hop - 1, 480, 65535, random_.randint(1, 65535)])
        frames = random_.choice([1, 2, 3, 18, 255, random_.randint(1, 255)])
        clock = StepClock(16000, window, hop, frames)
        step = random_.choice([0, 1, random_.randint(0, 10_000), 2**32 - 1])
        exact = min(clock.end_samples(step), 2**32 - 2)  # the sample with which a step is complete, and its neighbours
        samples = random_.choice([0, window - 1, window, exact - 1, exact, exact + 1, random_.randint(0, 2**32 - 1)])
        cases.append((clock, samples, step))
    lines = "".join(
        f"{clock.window_samples} {clock.hop_samples} {clock.frames_per_step} {samples} {step}\n"
        for clock, samples, step in cases
    )
    program = native.build("step_clock_test", ["tests/integration/native/step_clock_test.cc"])
    result = subprocess.run([program], input=lines, capture_output=True, text=True, timeout=60, check=True)
    expected = [(clock.steps_in(n), clock.end_samples(step)) for clock, n, step in cases]
    assert [tuple(map(int, line.split())) for line in result.stdout.splitlines()] == expected
