"""Whatever stands in a ``.tflite``, inspect, adopt and stream end with a result or with one line."""

import tracemalloc

import flatbuffers
import pytest
from kws_codegen.adopt.adoption import adopt
from kws_codegen.options import Options
from kws_codegen.survey import survey, text
from kws_reference.errors import KwsError
from kws_reference.tflite.schema import IDENTIFIER, generated

from tests.support.models import gates, matchbox, memories, replace_tensor, streaming_wake_word
from tests.support.mutations import mutations
from tests.support.published import bc_resnet, gru
from tests.support.resource_variables import with_variables
from tests.support.tflite_writer import write

MODELS = {
    "variables": (lambda folder: with_variables(matchbox(labels=5).write(folder)), 8),
    "states": (lambda folder: write(gru().graph()), 40),
    "window": (lambda folder: write(streaming_wake_word().graph()), 40),
    "planes": (lambda folder: write(bc_resnet().graph()), 40),
    "memories": (lambda folder: write(memories().as_converted()), 10),
    "gates": (lambda folder: write(gates().as_converted()), 10),
}


@pytest.mark.parametrize("name", MODELS)
def test_damaged_model_ends_in_a_result_or_one_line(name, tmp_path):
    make, coefficients = MODELS[name]
    ways = {
        "inspect": lambda model: text(survey(model, Options()), "model"),
        "adopt": lambda model: adopt(model, coefficients),
        "stream": lambda model: adopt(model, coefficients, 1, streaming=True),
    }
    ends = dict.fromkeys(ways, 0)
    for number, model in enumerate(mutations(make(tmp_path), 150)):
        for way, run in ways.items():
            try:
                run(model)
                ends[way] += 1
            except KwsError as error:
                assert "\n" not in str(error), (way, number)
    assert 20 < ends["inspect"] < 150 and 20 < ends["adopt"] < 150


def test_model_without_subgraphs_is_refused():
    model = generated.ModelT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [], [], []
    builder = flatbuffers.Builder(64)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    data = bytes(builder.Output())
    for run in (lambda: survey(data, Options()), lambda: adopt(data, 8)):
        with pytest.raises(KwsError, match="the model has no subgraph"):
            run()


def test_inspect_weights_of_one_dimension_have_no_multiplications():
    """Found by mutation: the sum of products was looked for on an axis that was not there."""
    graph = matchbox().graph()
    weights = next(tensor for tensor in graph.tensors if tensor.name == "scores/weights")
    flat = replace_tensor(graph, weights.name, shape=(weights.size,), data=weights.data.reshape(-1))
    rows = survey(write(flat), Options())["operators"]
    assert rows[-1]["kind"] == "FULLY_CONNECTED" and rows[-1]["macs"] == 0 and rows[-1]["aot"]


def test_inspect_new_rows_without_dimensions_are_refused_by_name():
    """Found by mutation: a window was made of a state and a single number."""
    graph = matchbox().graph()
    second = [op for op in graph.ops if op.kind == "CONCATENATION"][1]
    facts = survey(write(replace_tensor(graph, graph.tensors[second.inputs[1]].name, shape=())), Options())
    assert "does not fit" in facts["operators"][second.index]["aot"]


def test_inspect_state_of_gigabytes_is_counted_without_being_made():
    """Found by mutation: four gigabytes were filled with zeros to count them."""
    graph = replace_tensor(memories().as_converted(), "first/memory", shape=(1, (1 << 31) - 1))
    tracemalloc.start()
    facts = survey(write(graph), Options())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert next(state["bytes"] for state in facts["states"] if state["name"] == "first_memory") == (1 << 32) - 2
    assert peak < 1 << 28
