"""Models of int16 activations become bundles: a QUANTIZE at either end makes int8 of what is int16 there."""

import dataclasses

import numpy as np
import pytest
from kws_codegen.adopt.adoption import adopt
from kws_codegen.adopt.proof import prove
from kws_codegen.options import Options
from kws_codegen.survey import survey
from kws_reference.errors import KwsError

from tests.support.int16 import int16
from tests.support.models import STEPS_PER_STD, GraphBuilder, matchbox, streaming_wake_word
from tests.support.resource_variables import with_variables
from tests.support.tflite_writer import write


def int16_ends(builder):
    """A model on int16 without the QUANTIZE of its ends: its features and scores are int16."""
    graph = int16(builder).graph()
    first, *middle, last = graph.ops
    inputs, outputs = (first.outputs[0], *graph.inputs[1:]), (*graph.outputs[:-1], last.inputs[0])
    return dataclasses.replace(graph, ops=tuple(middle), inputs=inputs, outputs=outputs)


def float_ends(builder):
    """The same with floats at its ends, which a QUANTIZE and a DEQUANTIZE convert."""
    b = GraphBuilder(0)
    graph = int16_ends(builder)
    b.tensors, b.ops = list(graph.tensors), []
    source, target = graph.inputs[0], graph.outputs[-1]
    features = b.tensor("real_features", graph.tensors[source].shape, None, dtype="FLOAT32")
    scores = b.tensor("real_scores", graph.tensors[target].shape, None, dtype="FLOAT32")
    b.op("QUANTIZE", [features], source)
    b.ops += [dataclasses.replace(op, index=op.index + 1) for op in graph.ops]
    b.op("DEQUANTIZE", [target], scores)
    b.inputs, b.outputs = [features, *graph.inputs[1:]], [*graph.outputs[:-1], scores]
    return b.graph()


def sigmoid_scores():
    builder = GraphBuilder(7)
    x = builder.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD)
    x = builder.dense("dense", builder.reshape("flat", x, (1, 16)), 3)
    builder.scores(builder.function("LOGISTIC", "scores", x))
    return builder


@pytest.mark.parametrize("ends", [int16_ends, float_ends])
def test_adopt_int16_ends_get_a_quantize_and_the_scores_of_the_original(ends):
    model = write(ends(matchbox(labels=5)))
    adopted = adopt(model, coefficients=8)
    assert adopted.features.scale == 2 / STEPS_PER_STD and adopted.features.zero_point == 0
    assert [state.dtype for state in adopted.states] == ["int16"] * 4
    assert not adopted.is_probability
    assert sum("a QUANTIZE makes" in note for note in adopted.notes) == 2
    assert prove(model, adopted).different > 20


@pytest.mark.parametrize("ends", [int16_ends, float_ends])
def test_adopt_int16_probabilities_keep_all_their_int8_steps(ends):
    model = write(ends(sigmoid_scores()))
    adopted = adopt(model, coefficients=8)
    assert (adopted.scores.scale, adopted.scores.zero_point, adopted.is_probability) == (1 / 256, -128, True)
    assert prove(model, adopted).different > 20


def test_prove_finds_int16_scores_that_are_others():
    model = write(int16_ends(matchbox(labels=5)))
    adopted = adopt(model, coefficients=8)
    assert adopted.int16_scale is not None
    with pytest.raises(KwsError, match="the adopted model gives .* in step 0, the original"):
        prove(model, dataclasses.replace(adopted, int16_scale=adopted.int16_scale * 1.5))


@pytest.mark.parametrize("streaming", [False, True])
def test_adopt_int16_window_streams_with_the_scores_of_the_window(streaming):
    model = write(int16_ends(streaming_wake_word()))
    adopted = adopt(model, coefficients=40, frames_per_step=1, streaming=streaming)
    assert {state.dtype for state in adopted.states} == ({"int16"} if streaming else {"int8"})
    prove(model, adopted)


def test_adopt_int16_variables_become_int16_states(tmp_path):
    bundle = int16(matchbox(labels=5)).write(tmp_path / "bundle")
    model = with_variables(bundle)
    adopted = adopt(model, coefficients=8)
    assert [(s.name, s.dtype, s.reset_value) for s in adopted.states] == [(s.name, "int16", 0) for s in bundle.states]
    prove(model, adopted)


def test_adopt_int16_variable_that_does_not_start_with_zeros_is_refused(tmp_path):
    bundle = int16(matchbox(labels=5)).write(tmp_path / "bundle")
    first = {"block1": np.full(4 * 8, 300, np.int16)}
    with pytest.raises(KwsError, match="variable model/block1/states starts with 300: one of INT16 can start with 0"):
        adopt(with_variables(bundle, first=first), coefficients=8)


def test_adopt_int16_input_with_a_zero_point_is_refused():
    graph = int16_ends(matchbox(labels=5))
    tensors = list(graph.tensors)
    tensors[graph.inputs[0]] = dataclasses.replace(tensors[graph.inputs[0]], zero_points=(3,))
    with pytest.raises(KwsError, match="the input 'features' is INT16 without one scale and the zero point 0"):
        adopt(write(dataclasses.replace(graph, tensors=tuple(tensors))), coefficients=8)


def test_survey_of_int16_model_counts_bytes_and_runs_in_both_engines():
    narrow, wide = (survey(write(graph), Options()) for graph in (matchbox().graph(), int16_ends(matchbox())))
    assert [2 * state["bytes"] for state in narrow["states"]] == [state["bytes"] for state in wide["states"]]
    assert not any(row["aot"] or row["tflm"] for row in wide["operators"])
    assert wide["memory"]["state_ram_bytes"] > narrow["memory"]["state_ram_bytes"]
