"""int8: the exported streaming model equals its batch form bit for bit, for every model that can be exported."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
from kws_training import models  # noqa: E402
from kws_training.convert.integer import convert, convert_whole_clips  # noqa: E402
from kws_training.convert.interpreter import load  # noqa: E402
from kws_training.streaming import StreamingModel, to_streaming  # noqa: E402
from kws_training.streaming.model import VALID  # noqa: E402

SCALE = 1 / 32
STEPS = 49


def features(seed: int, clips: int) -> np.ndarray:
    return np.clip(np.rint(np.random.default_rng(seed).normal(size=(clips, 98, 40)) * 40), -128, 127).astype(np.int8)


def run_both(model: StreamingModel, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores ``[clips, steps, labels]`` by the streaming int8 model and by its batch form, in equal number formats."""
    recordings = features(7, 4)
    streaming = load(convert(model, recordings, SCALE).data).get_signature_runner()
    data = convert_whole_clips(model, recordings, SCALE, STEPS)
    whole = load(data).get_signature_runner()
    names = [f"{name}_in" for name in model.state_specs]
    formats = [
        {name: detail["quantization"] for name, detail in details.items()}
        for details in (streaming.get_input_details(), whole.get_input_details())
    ]
    assert formats[0] == formats[1]
    reset = {
        name: np.full((1, *spec.shape), formats[0][name][1], np.int8)
        for name, spec in zip(names, model.state_specs.values(), strict=True)
    }
    # the int8 value of 1.0
    one = (
        np.int8(np.clip(round(1 / formats[0][VALID][0]) + formats[0][VALID][1], -128, 127)) if model.needs_valid else 0
    )

    def inputs(values: np.ndarray) -> dict[str, np.ndarray]:
        given = {"features": values.reshape(1, -1, *model.feature_shape[2:])}
        return given | ({VALID: np.full((1, len(values)), one, np.int8)} if model.needs_valid else {})

    frames, scores = model.frames_per_step, []
    for clip in clips:
        states = reset
        for start in range(0, STEPS * frames, frames):
            result = streaming(**inputs(clip[start : start + frames]), **states)
            scores.append(result["output_0"][0])
            states = {name: result[f"output_{position}"] for position, name in enumerate(names, 1)}
    batch = [whole(**inputs(clip[: STEPS * frames]), **reset)["output_0"] for clip in clips]
    return np.array(scores).reshape(np.shape(batch)), np.array(batch)


@pytest.mark.parametrize("name", sorted(set(models.ARCHITECTURES) - {"mhatt_rnn"}))
def test_int8_streaming_over_clips_equals_int8_batch_bit_for_bit(name):
    keras.utils.set_random_seed(3)
    architecture = models.architecture(name)
    steps, batch = run_both(to_streaming(architecture.build(architecture.config(12)), 2), features(11, 3))
    assert np.array_equal(steps, batch)
    assert len(np.unique(steps)) > 20  # it says something
