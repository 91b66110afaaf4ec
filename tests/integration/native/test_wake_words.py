"""microWakeWord's models, from PCM to events: what their own parts compute, bit for bit."""

import json
import statistics
from collections import deque

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.pipeline import Pipeline
from tflite_micro import runtime

from tests.support import engines, wake_words
from tests.support.paths import ROOT

pytest.importorskip("pymicro_features", reason="pymicro-features is not installed (pip install .[dev])")
from pymicro_features import MicroFrontend  # noqa: E402


class Original:
    """The model as it is in its package, behind the package's front end, with the rule of the package's runtime."""

    def __init__(self, name: str):
        path = wake_words.folder() / f"{name}.tflite"
        self._network = runtime.Interpreter.from_bytes(path.read_bytes())
        self._micro = json.loads(path.with_suffix(".json").read_bytes())["micro"]
        details = self._network.get_input_details(0)
        quantization = details["quantization_parameters"]
        self._scale, self._zero_point = float(quantization["scales"][0]), int(quantization["zero_points"][0])
        self._stride = int(details["shape"][1])

    def run(self, pcm: np.ndarray) -> tuple[list[int], list[bool]]:
        """The byte of each step, and whether it is an event."""
        frontend, data, frames = MicroFrontend(), pcm.astype("<i2").tobytes(), []
        while len(data) >= 320:
            output = frontend.process_samples(data[:320])
            data = data[2 * output.samples_read :]
            if output.features:
                frames.append(output.features)
        features = np.round(np.array(frames, np.float32) / self._scale + self._zero_point).astype(np.int8)
        last, found, events = deque(maxlen=self._micro["sliding_window_size"]), [], []
        for step in range(len(features) // self._stride):
            rows = features[step * self._stride : (step + 1) * self._stride]
            self._network.set_input(rows[None], 0)
            self._network.invoke()
            found.append(int(self._network.get_output(0)[0, 0]))
            last.append(found[-1] / 256)
            full = len(last) == last.maxlen
            events.append(full and statistics.mean(last) > self._micro["probability_cutoff"])
        return found, events


@pytest.mark.parametrize("name", wake_words.MODELS)
def test_adopted_wake_word_raises_the_events_of_its_own_runtime(name, tmp_path):
    bundle = wake_words.adopt(name, tmp_path / name)
    words = [read_wav(path) for path in sorted((ROOT / "host/demo/words").glob("*/*.wav"))[::4]]
    pcm = np.concatenate([wake_words.say(text, tmp_path / "said.wav") for text in wake_words.MODELS.values()] + words)
    expected, events = Original(name).run(pcm)
    steps = Pipeline(bundle).run(pcm)
    assert [int(step.scores[0]) + 128 for step in steps] == expected
    assert [step.detection is not None for step in steps] == events
    assert 3 < sum(events) < 60 and len(set(expected)) > 10


@pytest.mark.parametrize("name", wake_words.MODELS)
def test_engine_of_adopted_wake_word_equals_interpreter(name, tmp_path):
    bundle = wake_words.adopt(name, tmp_path / name)
    pcm = wake_words.say(wake_words.MODELS[name], tmp_path / "said.wav")
    features = np.array([step.features for step in Pipeline(bundle).run(pcm)])
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, features)
    without = frozenset(("slide_windows", "alias_views", "write_in_place", "share_scratch"))
    slow = engines.build(bundle, tmp_path / "slow", without=without)
    engines.assert_bit_exact(bundle, slow, features)
