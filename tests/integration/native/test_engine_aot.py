"""Generated engines equal TFLite Micro's interpreter: every score and every state, after every step."""

import numpy as np
import pytest
from kws_codegen import report
from kws_codegen.generator import build as build_program
from kws_codegen.options import Kernels
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.frontend.integer import Mfcc

from tests.support import engines
from tests.support.models import UNUSUAL, int4, left_shift, matchbox
from tests.support.paths import ROOT
from tests.support.random_graphs import random_planes


@pytest.mark.parametrize("name", UNUSUAL)
def test_engine_of_unusual_model_equals_interpreter(name, tmp_path):
    bundle = UNUSUAL[name]().write(tmp_path / "bundle", name=name)
    features = engines.random_features(bundle, 600 if name == "one_frame" else 160)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)


@pytest.mark.parametrize("name", UNUSUAL)
def test_int4_engine_of_unusual_model_equals_interpreter(name, tmp_path):
    builder = UNUSUAL[name]()
    bundle = builder.write(tmp_path / "bundle", name=name, graph=int4(builder.graph()))
    features = engines.random_features(bundle, 600 if name == "one_frame" else 160)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)


@pytest.mark.parametrize("seed", [0, 5, 6, 9, 22, 24])
def test_engine_of_random_planes_equals_interpreter(seed, tmp_path):
    bundle = random_planes(seed).write(tmp_path / "bundle", name=f"planes{seed}")
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 40))


@pytest.mark.parametrize("kinds", [("CONV_2D",), ("DEPTHWISE_CONV_2D",), ("FULLY_CONNECTED",)], ids=str)
def test_engine_of_matchbox_with_some_int4_weights_equals_interpreter(kinds, tmp_path):
    builder = matchbox(labels=5)
    bundle = builder.write(tmp_path / "bundle", name="mixed", graph=int4(builder.graph(), kinds))
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 200))


def test_int4_engine_with_cmsis_kernels_equals_interpreter(tmp_path):
    """CMSIS-NN 4.0.0 has no 4-bit kernels: it gets the weights unpacked, one per byte."""
    builder = matchbox(labels=5)
    bundle = builder.write(tmp_path / "bundle", name="small", graph=int4(builder.graph()))
    program = engines.build(bundle, tmp_path / "generated", kernels=Kernels.CMSIS)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 200))


@pytest.mark.parametrize("options", [{}, {"window_steps": 1}, {"window_steps": 7}, {"kernels": Kernels.CMSIS}], ids=str)
def test_engine_of_small_matchbox_equals_interpreter(options, tmp_path):
    bundle = matchbox(labels=5).write(tmp_path / "bundle", name="small")
    program = engines.build(bundle, tmp_path / "generated", **options)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 200))


@pytest.mark.parametrize("name", ["no_states", "needs_cmsis", "planes", "borders"])
def test_engine_of_unusual_model_with_cmsis_kernels_equals_interpreter(name, tmp_path):
    bundle = UNUSUAL[name]().write(tmp_path / "bundle", name=name)
    program = engines.build(bundle, tmp_path / "generated", kernels=Kernels.CMSIS)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))


def test_engine_reset_forgets_everything(tmp_path):
    bundle = matchbox(labels=5).write(tmp_path / "bundle", name="small")
    program = engines.build(bundle, tmp_path / "generated")
    features = engines.random_features(bundle, 120)
    engines.assert_bit_exact(bundle, program, features, reset_every=7)
    got, _ = engines.run(program, bundle, np.repeat(features[:1], 14, axis=0), reset_every=7)
    assert np.array_equal(got[:7], got[7:])


@pytest.mark.parametrize("name", ["memories", "gates"])
@pytest.mark.parametrize("window_steps", [1, 3])
def test_engine_reset_forgets_states_inside_of_operators(name, window_steps, tmp_path):
    bundle = UNUSUAL[name]().write(tmp_path / "bundle", name=name)
    program = engines.build(bundle, tmp_path / "generated", window_steps=window_steps)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 120), reset_every=29)


def test_engine_of_random_factors_equals_interpreter(tmp_path):
    """Weights and scales of many models through the same kernels."""
    for seed in range(20, 24):
        bundle = matchbox(seed, labels=6, width=8 + 4 * (seed % 3)).write(tmp_path / str(seed), name=f"seed{seed}")
        program = engines.build(bundle, tmp_path / f"generated{seed}")
        engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100, seed))


def test_engine_left_shift_model_uses_general_rounding(tmp_path):
    bundle = left_shift().write(tmp_path / "bundle")
    _, program, _ = build_program(bundle)
    assert [call.requantization.fast for call in program.calls if call.name == "one.pointwise"] == [False]


def test_engine_of_released_bundle_equals_interpreter(bundle_path, tmp_path):
    if not bundle_path.exists():
        pytest.skip(f"no released bundle in {bundle_path}")
    bundle = Bundle.load(bundle_path)
    program = engines.build(bundle, tmp_path / "generated")
    facts = engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 150))
    check_report(bundle, facts)
    words = sorted((ROOT / "host/demo/words").glob("*/*.wav"))[::6]
    assert words
    for word in words:
        frames = Mfcc(bundle.frontend).frames(read_wav(word))
        whole = frames[: len(frames) // bundle.frames_per_step * bundle.frames_per_step]
        features = whole.reshape(-1, bundle.frames_per_step, bundle.frontend.coefficients)
        engines.assert_bit_exact(bundle, program, features)


def check_report(bundle, facts):
    assert facts["name"] == "aot"
    memory = report.facts(bundle, *build_program(bundle))["memory"]
    assert (facts["scratch_bytes"], facts["weights_bytes"]) == (memory["scratch_bytes"], memory["weights_bytes"])
    # A window or ring also keeps its position, padded to its alignment of 16 bytes.
    assert facts["state_bytes"] == memory["state_ram_bytes"] + 16 * len(bundle.states)
    # Every third step was profiled, with a clock that ticks once a layer.
    assert set(facts["layers"].values()) == {50}


@pytest.mark.parametrize("kinds", [(), ("CONV_2D",)], ids=["int8", "int4"])
@pytest.mark.parametrize("field", ["weights", "requantization"])
def test_engine_with_one_bit_flipped_differs(field, kinds, tmp_path):
    """The comparison finds a single wrong bit in the generated C++."""
    builder = matchbox(labels=5)
    bundle = builder.write(tmp_path / "bundle", name="small", graph=int4(builder.graph(), kinds))
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
