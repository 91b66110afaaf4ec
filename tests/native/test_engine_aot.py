"""Generated engines equal TFLite Micro's interpreter: every score and every state, after every step."""

import numpy as np
import pytest
from kws_codegen.generator import build as build_program
from kws_reference.bundle import Bundle

from tests.support import engines
from tests.support.models import STEPS_PER_STD, GraphBuilder, matchbox


def start(seed, frames, features):
    builder = GraphBuilder(seed)
    return builder, builder.input("features", (1, frames, 1, features), 1 / STEPS_PER_STD, 3)


def odd_channels():
    """Channel counts that no vector width divides, three frames a step, RELU6, no bias, SLICE as the state's end."""
    b, x = start(2, 3, 7)
    x = b.depthwise("dw", b.state("one", 2, x, slice_kind="SLICE"), 3, activation="RELU6", bias="absent")
    x = b.conv("pw", x, 13, activation="NONE", bias="absent")
    x = b.conv("pw2", x, 9, activation="RELU_N1_TO_1", bias="zero")
    x = b.average("mean", b.state("two", 3, x, slice_kind="SLICE"), 6)
    b.scores(b.dense("scores", x, 5, bias="optional"))
    return b


def one_frame():
    """One frame a step; a state shorter than its step's rows would be impossible, one of a single row is not."""
    b, x = start(3, 1, 12)
    x = b.conv("front", b.state("context", 1, x), 8, kernel=2, activation="RELU")
    x = b.depthwise("dw", b.state("time", 6, x, reset=5), 4, dilation_h=2, activation="RELU")
    x = b.add("sum", x, b.conv("project", x, 8), activation="NONE")
    b.scores(b.dense("scores", b.average("mean", b.state("pool", 255, x), 256), 3))
    return b


def wide_step():
    """Four frames a step, more new rows than the state keeps, a convolution with a stride, a wide average."""
    b, x = start(4, 4, 16)
    x = b.conv("conv", b.state("short", 2, x), 12, kernel=3, stride_h=3, activation="RELU")
    x = b.average("mean", x, 2)
    x = b.depthwise("dw", b.state("long", 40, x), 41)
    b.scores(b.dense("scores", b.conv("pw", x, 32, activation="RELU"), 6))
    return b


def features_twice():
    """The features feed a state and a residual; the last rows of a state are averaged in groups."""
    b, x = start(5, 2, 8)
    y = b.depthwise("dw", b.state("one", 2, x), 3)
    x = b.add("sum", b.conv("a", y, 8), b.conv("b", x, 8))
    x = b.average("groups", b.state("two", 6, x), 4, stride=4)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 16)), 4))
    return b


def needs_cmsis():
    """Shapes without a kernel of our own: a dilated full convolution and a depth multiplier."""
    b, x = start(6, 2, 8)
    x = b.conv("dilated", b.state("one", 4, x), 12, kernel=3, dilation_h=2, activation="RELU")
    x = b.depthwise("double", b.state("two", 2, x), 3, multiplier=2, activation="RELU")
    x = b.conv("same", x, 8, kernel=3, padding="SAME", activation="RELU")
    b.scores(b.dense("scores", b.average("mean", x, 2), 4))
    return b


def left_shift():
    """Factors above one: the kernels' fast rounding does not hold and the general one must be chosen."""
    b, x = start(7, 2, 8)
    x = b.depthwise("dw", b.state("one", 2, x), 3)
    y = b.conv("pw", x, 8)
    coarse = b.tensors[y]
    b.tensors[y] = coarse.__class__(**{**coarse.__dict__, "scales": (coarse.scales[0] / 700,)})
    z = b.conv("back", y, 8, activation="RELU")
    b.scores(b.dense("scores", b.average("mean", z, 2), 4))
    return b


MODELS = {
    model.__name__: model for model in (odd_channels, one_frame, wide_step, features_twice, needs_cmsis, left_shift)
}


@pytest.mark.parametrize("name", MODELS)
def test_engine_of_unusual_model_equals_interpreter(name, tmp_path):
    bundle = MODELS[name]().write(tmp_path / "bundle", name=name)
    features = engines.random_features(bundle, 600 if name == "one_frame" else 160)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)


@pytest.mark.parametrize("options", [{}, {"window_steps": 1}, {"window_steps": 7}, {"kernels": "cmsis"}], ids=str)
def test_engine_of_small_matchbox_equals_interpreter(options, tmp_path):
    bundle = matchbox(labels=5).write(tmp_path / "bundle", name="small")
    program = engines.build(bundle, tmp_path / "generated", **options)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 200))


def test_engine_reset_forgets_everything(tmp_path):
    bundle = matchbox(labels=5).write(tmp_path / "bundle", name="small")
    program = engines.build(bundle, tmp_path / "generated")
    features = engines.random_features(bundle, 120)
    engines.assert_bit_exact(bundle, program, features, reset_every=7)
    got, _ = engines.run(program, bundle, np.repeat(features[:1], 14, axis=0), reset_every=7)
    assert np.array_equal(got[:7], got[7:])


def test_engine_of_random_factors_equals_interpreter(tmp_path):
    """Weights and scales of many models through the same kernels."""
    for seed in range(20, 24):
        bundle = matchbox(seed, labels=6, width=8 + 4 * (seed % 3)).write(tmp_path / str(seed), name=f"seed{seed}")
        program = engines.build(bundle, tmp_path / f"generated{seed}")
        engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100, seed))


def test_engine_left_shift_model_uses_general_rounding(tmp_path):
    bundle = left_shift().write(tmp_path / "bundle")
    _, program, _ = build_program(bundle)
    assert [layer.params["linear"].fast for layer in program.layers if layer.name == "one.pointwise"] == [False]


def test_engine_of_released_bundle_equals_interpreter(bundle_path, tmp_path):
    if not bundle_path.exists():
        pytest.skip(f"no released bundle in {bundle_path}")
    bundle = Bundle.load(bundle_path)
    program = engines.build(bundle, tmp_path / "generated")
    facts = engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 150))
    assert facts["name"] == "aot"
    # Every third step was profiled, with a clock that ticks once a layer.
    assert set(facts["layers"].values()) == {50}


@pytest.mark.parametrize("field", ["weights", "requantization"])
def test_engine_with_one_bit_flipped_differs(field, tmp_path):
    """The comparison finds a single wrong bit in the generated C++."""
    bundle = matchbox(labels=5).write(tmp_path / "bundle", name="small")
    engines.build(bundle, tmp_path / "generated")
    source = tmp_path / "generated" / "aot_model.cc"
    head, name, tail = source.read_text().partition(f"kBlock2Pointwise{field.capitalize()}[")
    opening, brace, numbers = tail.partition("{\n")
    first, comma, rest = numbers.partition(",")
    flipped = int(first) ^ (16 if field == "weights" else 1 << 13)
    source.write_text(f"{head}{name}{opening}{brace}    {flipped}{comma}{rest}")
    program = engines.compile_generated(tmp_path / "generated", "engine_flipped")
    with pytest.raises(AssertionError, match="step .* state|scores"):
        engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))
