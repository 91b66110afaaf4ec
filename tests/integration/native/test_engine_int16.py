"""Engines with int16 activations equal TFLite Micro's interpreter: every score and every state, after every step."""

import numpy as np
import pytest
from kws_codegen import report
from kws_codegen.generator import build as build_program
from kws_codegen.kernels.linear_int16 import LinearInt16
from kws_codegen.options import Kernels
from kws_codegen.passes.pipeline import OPTIONAL
from kws_reference.bundle import Bundle

from tests.support import engines
from tests.support.int16 import ONLY_INT8, int16, wide_sums
from tests.support.models import UNUSUAL, matchbox
from tests.support.random_graphs import random_graph

MODELS = {**{name: UNUSUAL[name] for name in UNUSUAL if name not in ("memories", "gates")}, "matchbox": matchbox}


def check(builder, folder, steps=160, **options):
    bundle = builder.write(folder / "bundle", name="int16")
    program = engines.build(bundle, folder / "generated", **options)
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, steps))
    return bundle


@pytest.mark.parametrize("name", MODELS)
def test_int16_engine_of_unusual_model_equals_interpreter(name, tmp_path):
    bundle = check(int16(MODELS[name]()), tmp_path, steps=600 if name == "one_frame" else 160)
    assert all(state.dtype == "int16" for state in bundle.states)


@pytest.mark.parametrize("name", ["matchbox", "planes", "left_shift", "no_states"])
def test_int16_engine_with_biases_of_32_bits_equals_interpreter(name, tmp_path):
    check(int16(MODELS[name](), bias="INT32"), tmp_path)


@pytest.mark.parametrize("kinds", [("CONV_2D",), ("DEPTHWISE_CONV_2D",), ("FULLY_CONNECTED",), ("ADD", "CONV_2D")])
def test_engine_of_int8_and_int16_layers_equals_interpreter(kinds, tmp_path):
    bundle = check(int16(matchbox(labels=5), keep=kinds), tmp_path)
    _, program, _ = build_program(bundle)
    assert {"rescale", "dense_int16" if "CONV_2D" not in kinds else "pointwise"} <= {c.kernel for c in program.calls}


@pytest.mark.parametrize(
    "options",
    [{"kernels": Kernels.CMSIS}, {"window_steps": 1}, {"without": frozenset({"slide_windows", "alias_views"})}],
    ids=["cmsis", "one_step", "without_passes"],
)
def test_int16_engine_with_other_options_equals_interpreter(options, tmp_path):
    check(int16(matchbox(labels=5), keep=ONLY_INT8), tmp_path, **options)


def test_int16_engine_whose_sums_need_64_bits_equals_interpreter(tmp_path):
    bundle = wide_sums().write(tmp_path / "bundle", name="int16")
    _, program, _ = build_program(bundle)
    wide = {call.name for call in program.calls if isinstance(call, LinearInt16) and call.bias.dtype == np.int64}
    assert wide == {"one.convolution", "two.depthwise"}
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 160))


@pytest.mark.parametrize("seed", range(6))
def test_int16_engine_of_a_random_graph_without_some_passes_equals_interpreter(seed, tmp_path):
    """Any operators, any of them left on int8, any subset of the passes."""
    builder, rng = random_graph(100 + seed, memories=False), np.random.default_rng(seed)
    kinds = sorted({op.kind for op in builder.ops} - {"CONCATENATION", "RESHAPE"})
    keep = (*ONLY_INT8, *(kind for kind in kinds if rng.random() < 0.25))
    bundle = int16(builder, keep=keep).write(tmp_path / "bundle", name=f"seed{seed}")
    without = frozenset(a_pass for a_pass in OPTIONAL if rng.random() < 0.5) if seed else frozenset()
    program = engines.build(bundle, tmp_path / "generated", without=without)
    features = engines.random_features(bundle, 60, seed)
    got, _ = engines.run(program, bundle, features)
    assert np.array_equal(got, engines.reference(bundle, features))


def test_int16_engine_reset_forgets_everything(tmp_path):
    bundle = int16(matchbox(labels=5)).write(tmp_path / "bundle", name="int16")
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 120), reset_every=7)


def test_int16_engine_with_one_bit_flipped_differs(tmp_path):
    bundle = int16(matchbox(labels=5)).write(tmp_path / "bundle", name="int16")
    engines.build(bundle, tmp_path / "generated")
    source = tmp_path / "generated" / "aot_model.cc"
    head, name, tail = source.read_text().partition("kBlock2PointwiseFactors[")
    opening, brace, numbers = tail.partition("{\n")
    first, comma, rest = numbers.partition(",")
    source.write_text(f"{head}{name}{opening}{brace}    {int(first) ^ 1}{comma}{rest}")
    program = engines.compile_generated(tmp_path / "generated", "engine_flipped")
    with pytest.raises(AssertionError, match="step .* state|scores"):
        engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))


def test_report_of_int16_model_counts_bytes(tmp_path):
    narrow = matchbox(labels=5).write(tmp_path / "int8")
    wide = int16(matchbox(labels=5)).write(tmp_path / "int16")
    facts = [report.facts(bundle, *build_program(bundle)) for bundle in (narrow, wide)]
    tensors = [each["memory"]["state_tensor_bytes"] for each in facts]
    assert tensors[1] == 2 * tensors[0] == sum(state.size_bytes for state in wide.states)
    assert Bundle.load(wide.path).states == wide.states
