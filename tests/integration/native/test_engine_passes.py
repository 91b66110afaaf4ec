"""Engines stay TFLite Micro's whatever passes are left out, and whatever a state is used for."""

import dataclasses

import numpy as np
import pytest
from kws_codegen.buffers import Held
from kws_codegen.generator import build as build_program
from kws_codegen.options import Kernels
from kws_codegen.passes.pipeline import OPTIONAL, PASSES
from kws_reference.tflite.graph import Op

from tests.support import engines
from tests.support.models import UNUSUAL, int4, matchbox, replace_op, replace_tensor
from tests.support.random_graphs import random_graph


def slice_keeps_first_rows(graph):
    names = {t.name: t.index for t in graph.tensors}
    graph = replace_tensor(graph, "block2/begin", data=np.array([0, 0, 0, 0], np.int32))
    graph = replace_tensor(graph, "block2/end", data=np.array([0, 6, 0, 0], np.int32))
    assert "block2/begin" in names
    return graph


def swapped_concat(graph):
    op = next(op for op in graph.ops if graph.tensors[op.outputs[0]].name == "block2/concat")
    return replace_op(graph, "block2/concat", inputs=op.inputs[::-1])


def state_feeds_two(graph):
    state = next(t for t in graph.tensors if t.name == "block2_in")
    twice = dataclasses.replace(state, index=len(graph.tensors), name="twice")
    extra = Op(len(graph.ops), "ADD", (state.index, state.index), (twice.index,), {"activation": "NONE"})
    return dataclasses.replace(graph, tensors=(*graph.tensors, twice), ops=(*graph.ops, extra))


@pytest.mark.parametrize("change", [slice_keeps_first_rows, swapped_concat, state_feeds_two])
def test_engine_of_a_state_that_is_no_window_equals_interpreter(change, tmp_path):
    builder = matchbox(labels=5)
    bundle = builder.write(tmp_path / "bundle", name=change.__name__, graph=change(builder.graph()))
    _, program, _ = build_program(bundle)
    assert [buffer.name for buffer in program.buffers if isinstance(buffer, Held)] == ["block2"]
    features = engines.random_features(bundle, 120)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)


@pytest.mark.parametrize("name", ["matchbox", *UNUSUAL])
def test_engine_without_any_optional_pass_equals_interpreter(name, tmp_path):
    builder = matchbox(labels=5) if name == "matchbox" else UNUSUAL[name]()
    bundle = builder.write(tmp_path / "bundle", name=name)
    program = engines.build(bundle, tmp_path / "generated", without=frozenset(OPTIONAL))
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 300 if name == "one_frame" else 100))


@pytest.mark.parametrize("seed", range(10))
def test_engine_of_a_random_graph_without_some_passes_equals_interpreter(seed, tmp_path):
    """Any operators, any subset of the passes, either kernels, 8 or 4 bits."""
    builder, rng = random_graph(seed), np.random.default_rng(seed)
    graph = int4(builder.graph()) if seed % 3 == 2 else builder.graph()
    bundle = builder.write(tmp_path / "bundle", name=f"seed{seed}", graph=graph)
    without = frozenset(a_pass for a_pass in OPTIONAL if rng.random() < 0.5) if seed else frozenset()
    kernels = Kernels.CMSIS if seed % 4 == 3 else Kernels.AUTO
    program = engines.build(bundle, tmp_path / "generated", without=without, kernels=kernels)
    features = engines.random_features(bundle, 60, seed)
    got, _ = engines.run(program, bundle, features)
    assert np.array_equal(got, engines.reference(bundle, features))


def test_passes_each_do_something_for_the_small_matchbox(tmp_path):
    """A pass that no model notices could be wrong unseen."""
    builder = matchbox(labels=5)
    bundle = builder.write(tmp_path / "bundle", graph=int4(builder.graph()))
    changed, before = set(), None

    def watch(a_pass, module):
        nonlocal before
        if a_pass is not None and module != before:
            changed.add(a_pass.name)
        before = module

    build_program(bundle, watch=watch)
    assert {a_pass.name for a_pass in PASSES} - changed == {"drop_noops", "fuse_activations"}
