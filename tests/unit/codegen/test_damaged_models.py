"""Whatever stands in a ``.tflite``, inspect, adopt and stream end with a result or with one line."""

import collections
import tracemalloc

import flatbuffers
import pytest
from kws_codegen.adopt.adoption import adopt
from kws_codegen.options import Options
from kws_codegen.survey import survey
from kws_reference.errors import KwsError
from kws_reference.tflite.schema import IDENTIFIER, generated

from tests.support.damaged_models import MANIFEST, MODELS, damage, end_of
from tests.support.models import matchbox, memories, replace_tensor
from tests.support.tflite_writer import write


@pytest.mark.parametrize("kind", [*MODELS, MANIFEST])
def test_damaged_file_ends_in_a_result_or_one_line(kind, tmp_path):
    ends = collections.Counter()
    for number, runs in enumerate(damage(kind, 80, 0, tmp_path)):
        for way, run in runs.items():
            refusal = end_of(run)
            assert refusal is None or "\n" not in refusal, (way, number)
            ends[way] += refusal is None
    assert all(5 < ends[way] < 80 for way in ("inspect", "adopt", "load") if way in runs), ends


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


def test_inspect_average_of_no_dimensions_is_refused_by_name():
    """Found by mutation: rows of a result were looked for that has no dimensions."""
    graph = matchbox().graph()
    for pool in [op for op in graph.ops if op.kind == "AVERAGE_POOL_2D"]:
        facts = survey(write(replace_tensor(graph, graph.tensors[pool.outputs[0]].name, shape=())), Options())
        assert "only batch 1 is supported" in facts["operators"][pool.index]["aot"]


def test_inspect_state_of_gigabytes_is_counted_without_being_made():
    """Found by mutation: four gigabytes were filled with zeros to count them."""
    graph = replace_tensor(memories().as_converted(), "first/memory", shape=(1, (1 << 31) - 1))
    tracemalloc.start()
    facts = survey(write(graph), Options())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert next(state["bytes"] for state in facts["states"] if state["name"] == "first_memory") == (1 << 32) - 2
    assert peak < 1 << 28
