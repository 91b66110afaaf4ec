"""Quantization-aware training: the integers of the training graph are those of the device."""

import dataclasses
import json

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training.quantize.precision import PRECISIONS, Precision, precision

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from kws_reference.bundle import write_bundle  # noqa: E402
from kws_reference.tflite import fixed_point  # noqa: E402
from kws_reference.tflite.reader import read  # noqa: E402
from kws_training import cli  # noqa: E402
from kws_training.convert.integer import convert_quantized  # noqa: E402
from kws_training.convert.trial import check_runs  # noqa: E402
from kws_training.measure import native_exactness  # noqa: E402
from kws_training.models.matchbox import Block, MatchboxConfig  # noqa: E402
from kws_training.quantize import integer  # noqa: E402
from kws_training.quantize.layers import QuantizedLinear, WindowMean  # noqa: E402
from kws_training.quantize.ranges import FixedRange, ranges_of  # noqa: E402
from kws_training.streaming import CannotStream, StateSpec, to_streaming  # noqa: E402
from kws_training.train.run_folder import RunFolder  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support import quantized  # noqa: E402
from tests.support.int4_matchbox import SCALE, TINY, bundle_manifest  # noqa: E402
from tests.support.tones import write_tones  # noqa: E402

NATIVE = [name for name, item in PRECISIONS.items() if item.mode == "native"]


# Arithmetic


@pytest.mark.parametrize("factor", [0.7, 0.5, 1 / 3, 0.01171, 2.0**-14, 1.0 - 2**-40, 1.3])
def test_requantize_equals_fixed_point(factor):
    rng = np.random.default_rng(0)
    around_ties = np.rint((np.arange(-130, 130) + 0.5) / factor) + np.arange(-2, 3)[:, None]
    values = np.concatenate([rng.integers(-(2**23), 2**23, 5000), around_ties.ravel(), [0, 1, -1, 2**23, -(2**23)]])
    values = values[np.abs(values) <= 2**23]
    multiplier = fixed_point.quantize_multiplier(factor)
    wanted = np.clip(fixed_point.multiply(values.astype(np.int64), *multiplier), -100, 127)
    got = integer.requantize(
        tf.constant(values[:, None], tf.float32),
        tf.constant([factor], tf.float32),
        tf.constant([factor], tf.float64),
        -100.0,
        127.0,
    )
    assert np.array_equal(got.numpy()[:, 0], wanted)


@pytest.mark.parametrize("operand_scales", [(0.7, 1.0), (1.0, 2.0**-9), (0.013, 0.021)])
@pytest.mark.parametrize("output", [0.9, 0.02, 37.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_sum_and_difference_equal_fixed_point(operand_scales, output, sign):
    points, zero_point = (-128, 5), -20
    values = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), -1).reshape(-1, 2).astype(np.int8)
    scales = [np.float32(scale) for scale in (*operand_scales, output)]
    multipliers = fixed_point.add_multipliers(*scales)
    parts = [
        fixed_point.scale_operand(values[:, i], points[i], multiplier)
        for i, multiplier in enumerate(multipliers.operands)
    ]
    wanted = fixed_point.requantize(parts[0] + sign * parts[1], *multipliers.total, zero_point, -20, 127)
    operands = [tf.constant(values[:, i].astype(np.float32) - points[i]) for i in range(2)]
    function = integer.add if sign == 1 else integer.subtract
    got = function(*operands, *map(tf.constant, scales), 0.0, 127.0 - zero_point)
    assert np.array_equal(got.numpy() + zero_point, wanted)


def test_quantize_multiplier_equals_fixed_point():
    rng = np.random.default_rng(0)
    factors = np.concatenate([2.0 ** rng.uniform(-20, 3, 2000), [0.5, 1.0, 1 - 2.0**-40, 1 - 2.0**-32, 2.0**-14]])
    multipliers, shifts = integer.quantize_multiplier(tf.constant(factors, tf.float64))
    got = list(zip(multipliers.numpy().tolist(), shifts.numpy().tolist(), strict=True))
    assert got == [fixed_point.quantize_multiplier(factor) for factor in factors.tolist()]


@pytest.mark.parametrize("zero_point", [-128, -7, 100])
@pytest.mark.parametrize("rows", [2, 49])
def test_mean_equals_fixed_point(rows, zero_point):
    values = np.random.default_rng(0).integers(-128, 128, (200, rows, 3))
    wanted = fixed_point.mean(values.sum(1), rows)
    got = tf.function(integer.mean)(tf.constant(values - zero_point, tf.float32), 1, tf.constant(float(zero_point)))
    assert np.array_equal(got.numpy() + zero_point, wanted)


# Precision


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"mode": "float"}, "mode must be fake or native"),
        ({"ranges": "guessed"}, "ranges must be calibrated or learned"),
        ({"pointwise_bits": 5}, "pointwise_bits must be 8, 6 or 4"),
        ({"depthwise_bits": 2}, "depthwise_bits must be 8, 6 or 4"),
        ({"dense_bits": 4}, "dense_bits must be 8 or 6"),
    ],
)
def test_precision_out_of_range_is_refused(changes, message):
    with pytest.raises(KwsError, match=message):
        dataclasses.replace(precision("int8_fake"), **changes)


def test_precision_survives_json():
    for item in PRECISIONS.values():
        assert Precision(**json.loads(json.dumps(item.to_dict()))) == item
    with pytest.raises(KwsError, match="no precision is called 'int5'. Choose one of int8_fake"):
        precision("int5")


def test_matchbox_that_looks_ahead_is_refused():
    with pytest.raises(KwsError, match="matchbox: the firmware's engines take models of one output that do not look"):
        quantized.start(dataclasses.replace(TINY, causal=False), "int8_native")


# The training graph


@pytest.mark.parametrize("name", PRECISIONS)
def test_weights_stay_on_their_grid(name):
    model, bits = quantized.start(TINY, name), precision(name)
    for layer in model.layers:
        if isinstance(layer, QuantizedLinear):
            kind = layer.name.rpartition("_")[2]
            width = {"pointwise": bits.pointwise_bits, "residual": bits.pointwise_bits, "logits": bits.dense_bits}
            largest = 2 ** (width.get(kind, bits.depthwise_bits) - 1) - 1
            values = layer.integer_kernel()
            assert np.abs(values).max() == largest and len(np.unique(values)) > 7


@pytest.mark.parametrize("name", ["int8_native", "int4_native", "int8_fake", "int4_fake"])
def test_loss_falls_and_every_weight_gets_a_gradient(name):
    model = quantized.start(TINY, name)
    features = quantized.clips(TINY, 32, seed=3).astype(np.float32) * np.float32(SCALE)
    labels = np.arange(32) % TINY.labels
    before = [variable.numpy() for variable in model.trainable_variables]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-2), loss)
    losses = model.fit(features, labels, batch_size=32, epochs=25, verbose=0).history["loss"]
    assert losses[-1] < 0.85 * losses[0]
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert not np.array_equal(variable.numpy(), old), variable.path
    gains = [variable for variable in model.trainable_variables if variable.name == "range_gain"]
    assert bool(gains) == precision(name).learned


@pytest.mark.parametrize("name", ["int8_native", "int4_fake"])
def test_streaming_equals_whole_clips(name):
    model = quantized.start(TINY, name)
    features = quantized.clips(TINY, 5).astype(np.float32) * np.float32(SCALE)
    assert np.array_equal(to_streaming(model, 2).stream(features), model.predict(features, verbose=0))


SECOND = dataclasses.replace(TINY, pool_frames=98)


@pytest.mark.parametrize("name", ["int8_native", "int4_fake"])
def test_streaming_in_steps_of_any_size_has_the_integers_of_whole_clips(name):
    model = quantized.start(SECOND, name)
    features = quantized.clips(SECOND, 2).astype(np.float32) * np.float32(SCALE)
    wanted = model.predict(features, verbose=0)
    for frames, kept in ((1, 97), (2, 48), (7, 91), (14, 42), (49, 49), (98, 0)):
        streaming = to_streaming(model, frames)
        assert np.array_equal(streaming.stream(features), wanted), frames
        # the means of pairs, or the frames themselves where pairs lie across the steps
        assert streaming.state_specs.get("pool", StateSpec((0,))).shape[0] == kept


def test_window_mean_of_a_longer_clip_is_that_of_its_last_frames_in_steps_of_any_size():
    values = FixedRange(0.1)
    mean = WindowMean(20, 2, precision("int8_native"), values, "pool")
    rows = tf.constant(np.random.default_rng(0).integers(-128, 128, (3, 60, 4)).astype(np.float32))
    for frames in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20):
        states = {name: tf.zeros((3, *spec.shape)) for name, spec in mean.state_specs((None, 60, 4), frames).items()}
        for start in range(0, 60, frames):
            result, states = mean.stream_inference(rows[:, start : start + frames], states)
        assert np.array_equal(result, mean.call(rows)), frames


@pytest.mark.parametrize("frames", [1, 4, 5, 20])
def test_exported_step_of_any_size_has_the_integers_of_whole_clips(frames, tmp_path):
    blocks = tuple(dataclasses.replace(block, dilation=1) for block in TINY.blocks)
    config = dataclasses.replace(TINY, blocks=blocks)
    model = quantized.start(config, "int8_native")
    streaming = to_streaming(model, frames)
    converted = convert_quantized(model, streaming, SCALE)
    assert len(converted.states) == len(streaming.state_specs)
    about = {**bundle_manifest(config, converted), "frames_per_step": frames}
    bundle = write_bundle(tmp_path / "bundle", converted.data, about)
    assert native_exactness.compare(model, bundle, quantized.clips(config, 6))["scores_that_differ"] == 0


def test_steps_longer_than_the_window_of_a_quantized_mean_are_refused():
    with pytest.raises(CannotStream, match=r"pool \(WindowMean\).*a step brings 40 frames, more than its window of 20"):
        to_streaming(quantized.start(TINY, "int8_native"), 40)


@pytest.mark.parametrize("name", PRECISIONS)
def test_starting_point_is_close_to_the_float_model(name):
    model = quantized.start(TINY, name)
    features = quantized.clips(TINY, 20, seed=1).astype(np.float32) * np.float32(SCALE)
    wanted = quantized.trained(TINY).predict(features, verbose=0)
    error = np.abs(model.predict(features, verbose=0) - wanted).max() / np.abs(wanted).max()
    # Of random weights: a few steps of 255 of the largest logit at 8 bits, some per cent at 4.
    assert error < (0.3 if "int4" in name else 0.1)


# Export


@pytest.mark.parametrize("config", quantized.CONFIGS)
@pytest.mark.parametrize("name", NATIVE)
def test_native_forward_equals_tflite_micro(name, config, tmp_path):
    config = quantized.CONFIGS[config]
    model = quantized.start(config, name)
    bundle = quantized.write(tmp_path / "bundle", config, model)
    result = native_exactness.compare(model, bundle, quantized.clips(config, 12, seed=5))
    assert result == {"clips": 12} | dict.fromkeys(
        ("clips_that_differ", "scores_that_differ", "largest_difference", "answers_that_differ"), 0
    )


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("frames, dilation, taps", [(2, 3, 4), (2, 4, 3), (1, 2, 5), (3, 3, 3), (6, 4, 2)])
def test_native_forward_with_any_dilation_equals_tflite_micro(name, frames, dilation, taps, tmp_path):
    blocks = Block(8, 5), Block(8, taps, dilation), Block(8, 3, dilation, residual=True), Block(12, 1)
    config = dataclasses.replace(TINY, blocks=blocks, frames_per_step=frames, pool_frames=4 * frames)
    model = quantized.start(config, name)
    bundle = quantized.write(tmp_path / "bundle", config, model)
    features = quantized.clips(config, 8, seed=5)
    assert native_exactness.compare(model, bundle, features)["scores_that_differ"] == 0
    check_runs(bundle.model)


def test_native_forward_with_a_window_of_one_step_equals_tflite_micro(tmp_path):
    config = dataclasses.replace(TINY, frames_per_step=18, pool_frames=18)
    model = quantized.start(config, "int8_native")
    bundle = quantized.write(tmp_path / "bundle", config, model)
    assert [state.name for state in bundle.states] == ["block1", "block2", "block3"]
    assert native_exactness.compare(model, bundle, quantized.clips(config, 8, seed=5))["scores_that_differ"] == 0


@pytest.mark.parametrize("clips", ["0", "-3"])
def test_native_exactness_of_no_clips_is_refused(clips, tmp_path, capsys):
    folders = [f"--{name}={tmp_path}" for name in ("run", "bundle", "data")]
    assert native_exactness.main([*folders, f"--clips={clips}"]) == 2
    assert capsys.readouterr().err == f"error: --clips must be at least 1. Received: {clips}.\n"


def test_native_forward_equals_tflite_micro_after_training(tmp_path):
    model = quantized.start(TINY, "int4_native")
    features = quantized.clips(TINY, 64, seed=3)
    model.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(features.astype(np.float32) * np.float32(SCALE), np.arange(64) % TINY.labels, epochs=5, verbose=0)
    bundle = quantized.write(tmp_path / "bundle", TINY, model)
    assert native_exactness.compare(model, bundle, features)["scores_that_differ"] == 0


@pytest.mark.parametrize("name", ["int8_fake", "int6_fake", "int4_fake"])
def test_fake_forward_is_close_to_tflite_micro(name, tmp_path):
    model = quantized.start(TINY, name)
    bundle = quantized.write(tmp_path / "bundle", TINY, model)
    result = native_exactness.compare(model, bundle, quantized.clips(TINY, 20, seed=5))
    assert result["largest_difference"] <= 6  # of 255: roundings on the way that the fake forward does once, not twice


def test_exported_tensors_are_those_of_the_training_graph(tmp_path):
    model = quantized.start(TINY, "int4_native")
    bundle = quantized.write(tmp_path / "bundle", TINY, model)
    tensors = {tensor.name: tensor for tensor in read(bundle.model).tensors}
    for layer in model.layers:
        if isinstance(layer, QuantizedLinear):
            kernel, bias, output = (
                tensors[name] for name in (f"{layer.name}/kernel", f"{layer.name}/bias", layer.name)
            )
            scales = layer.scales().numpy()
            assert kernel.dtype == ("INT8" if layer.name == "logits" else "INT4")
            values = layer.integer_kernel()
            stored = kernel.data[0, :, 0] if kernel.shape[0] == 1 else kernel.data.reshape(len(kernel.data), -1).T
            assert np.array_equal(stored, values) and np.array_equal(np.float32(kernel.scales), scales)
            assert np.array_equal(np.float32(bias.scales), (layer.inputs.scale * scales).numpy())
            assert np.float32(output.scales[0]) == layer.outputs.scale.numpy()
            assert output.zero_points[0] == layer.outputs.zero_point.numpy()


def test_export_has_the_operations_of_ptq(tmp_path):
    bundle = quantized.write(tmp_path / "bundle", TINY, quantized.start(TINY, "int8_native"))
    kinds = {op.kind for op in read(bundle.model).ops}
    assert kinds == {
        *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "RESHAPE"),
        "STRIDED_SLICE",
    }
    assert [state.name for state in bundle.states] == ["block1", "block2", "block3", "pool"]


# Runs and commands


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("speech_commands"), speakers=40)


@pytest.fixture(scope="module")
def float_run(recordings, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "float"
    assert cli.main(fit(recordings, run, "--labels", "yes,no", "--epochs", "2", "--learning-rate", "0.004")) == 0
    return run


def fit(recordings, run, *more):
    return ["fit", "--data", str(recordings), "--out", str(run), "--batch", "16", "--unknown-percent", "50", *more]


@pytest.mark.parametrize("name", ["int8_native", "int4_fake"])
def test_fit_with_precision_then_export_gives_the_run_s_integers(recordings, float_run, name, tmp_path, capsys):
    run, folder = tmp_path / "run", tmp_path / "bundle"
    assert cli.main(fit(recordings, run, "--from", str(float_run), "--precision", name, "--epochs", "1")) == 0
    settings, model = load_run(run)
    known, _ = load_run(float_run)
    assert (settings["labels"], settings["frontend"], settings["model"]) == (
        *(known["labels"], known["frontend"]),
        known["model"],
    )
    assert settings["precision"] == precision(name).to_dict() and settings["recipe"]["weight_decay"] == 0
    assert settings["calibration"]["clips"] == settings["calibration"]["of"]  # fewer than 200
    assert settings["started_from"]["recipe"] == known["recipe"]
    assert cli.main(["export", "--run", str(run), "--out", str(folder)]) == 0
    provenance = json.loads((folder / "model.json").read_text())["provenance"]
    assert provenance["precision"] == {**precision(name).to_dict(), "trained": True}
    assert provenance["calibration"] == settings["calibration"]
    assert provenance["started_from"]["weights_sha256"] == settings["started_from"]["weights_sha256"]
    capsys.readouterr()
    tool = [*("--run", str(run), "--bundle", str(folder)), *("--data", str(recordings), "--clips", "8")]
    assert native_exactness.main(tool) == (0 if name == "int8_native" else 1)
    assert json.loads(capsys.readouterr().out)["clips"] == 8
    assert any(np.float32(item.scale) != 1 for item in ranges_of(model))


def test_run_with_precision_is_loaded_as_it_was_saved(tmp_path):
    model = quantized.start(TINY, "int4_native")
    settings = {
        "architecture": "matchbox",
        "model": TINY.to_dict(),
        "frontend": {"feature_steps_per_std": 1 / SCALE},
        "precision": precision("int4_native").to_dict(),
    }
    model.compile("adam", "mse")
    RunFolder(tmp_path, settings).finish_epoch(model, {"val_accuracy": 0.5})
    features = quantized.clips(TINY, 4).astype(np.float32) * np.float32(SCALE)
    loaded = load_run(tmp_path)[1]
    assert np.array_equal(loaded.predict(features, verbose=0), model.predict(features, verbose=0))


def test_weight_decay_leaves_ranges_alone():
    from kws_training.train.optimizer import compile_model
    from kws_training.train.recipe import Recipe

    model = quantized.start(TINY, "int4_native")
    compile_model(model, Recipe(weight_decay=0.5), 10)
    decayed = {variable.name for variable in model.trainable_variables if model.optimizer._use_weight_decay(variable)}
    assert decayed == {"kernel", "bias"}


@pytest.mark.parametrize("kind", ["dynamic", "int4_native", "ptq"])
def test_export_of_a_float_run_at_a_precision(recordings, float_run, kind, tmp_path):
    folder = tmp_path / "bundle"
    command = ["export", "--run", str(float_run), "--data", str(recordings), "--out", str(folder), "--precision", kind]
    assert cli.main(command) == 0
    assert (folder / "model.tflite").stat().st_size > 50_000
    if kind == "dynamic":
        assert not (folder / "model.json").exists()
        return
    provenance = json.loads((folder / "model.json").read_text())["provenance"]
    assert provenance["precision"]["name"] == kind and provenance["precision"]["trained"] is False
    assert set(provenance["calibration"]) == {"clips", "of", "seed", "rule", "rows", "names_sha256"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--precision", "int8_fake"], "Give its run folder by --start-from"),
        (["--from", "RUN", "--precision", "int3"], "no precision is called 'int3'"),
        (["--from", "RUN", "--precision", "int8_fake", "--labels", "yes"], "was trained for yes, no"),
    ],
)
def test_fit_with_wrong_flags_gives_one_line(recordings, float_run, arguments, message, tmp_path, capsys):
    arguments = [str(float_run) if item == "RUN" else item for item in arguments]
    assert cli.main(fit(recordings, tmp_path / "run", *arguments)) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"architecture": "matchbox_noncausal", "model": MatchboxConfig(causal=False).to_dict()}, "looks ahead"),
        ({"architecture": "matchbox", "model": {}, "precision": {"name": "int8_fake"}}, "quantized already"),
    ],
)
def test_runs_that_cannot_be_quantized_are_refused(settings, message):
    from kws_training.quantize import start

    with pytest.raises(KwsError, match=message):
        start.check(settings, "run")


def test_export_of_a_float_run_without_recordings_is_refused(float_run, tmp_path, capsys):
    assert cli.main(["export", "--run", str(float_run), "--out", str(tmp_path)]) == 2
    assert "Give --data" in capsys.readouterr().err
