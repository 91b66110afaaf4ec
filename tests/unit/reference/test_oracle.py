"""The reference network: what TFLite Micro's interpreter would die of, or read wrongly, is refused in one line."""

import sys

import flatbuffers
import numpy as np
import pytest
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.network import oracle as network
from kws_reference.network.oracle import Network, try_model
from kws_reference.system import processes
from kws_reference.tflite.check import check_model
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from tests.support import models
from tests.support.models import GraphBuilder
from tests.support.tflite_writer import write

INPUTS = 3  # of the model below: features and two states


@pytest.fixture(scope="module")
def data():
    return write(models.odd_channels().graph())


def layer(kind, bias):
    """A model of one layer with a bias that is there, absent, or left out with -1."""
    b = GraphBuilder(1)
    x = b.input("features", (1, 4, 1, 8), 1 / 32)
    if kind == "dense":
        b.outputs.append(b.dense("layer", x, 6, bias=bias))
    else:
        b.outputs.append((b.conv if kind == "conv" else b.depthwise)("layer", x, 3, bias=bias))
    return write(b.graph())


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
@pytest.mark.parametrize("bias", ["absent", "optional"])
def test_try_model_bias_left_out_runs_or_is_refused_by_name(kind, bias):
    if (kind, bias) == ("depthwise", "optional"):
        with pytest.raises(KwsError, match=r"DEPTHWISE_CONV_2D 'layer'\): its bias is -1, a tensor left out"):
            try_model(layer(kind, bias), 1)
    else:
        try_model(layer(kind, bias), 1)


def test_try_model_that_kills_the_interpreter_is_one_line(monkeypatch):
    monkeypatch.setattr(network, "check_model", lambda model: None)
    with pytest.raises(KwsError, match="does not run the model: it ended with SIGSEGV"):
        try_model(layer("depthwise", "optional") + b"\0", 1)  # a byte more: not the model that is remembered


def test_network_of_a_bundle_that_kills_the_interpreter_names_the_bundle(bundle_path, tmp_path):
    released = Bundle.load(bundle_path)
    bundle = write_bundle(tmp_path / "deadly", layer("depthwise", "optional"), released.manifest)
    with pytest.raises(KwsError, match="deadly: operator 0 .* its bias is -1"):
        Network(bundle)


def unpacked(data):
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for operator in model.subgraphs[0].operators:
        operator.inputs, operator.outputs = list(map(int, operator.inputs)), list(map(int, operator.outputs))
    return model


def packed(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def weights_of(model):
    graph = model.subgraphs[0]
    return max(
        (tensor for tensor in graph.tensors if model.buffers[tensor.buffer].data is not None),
        key=lambda tensor: len(model.buffers[tensor.buffer].data),
    )


def cut_weights(model):
    model.buffers[weights_of(model).buffer].data = model.buffers[weights_of(model).buffer].data[:4]


def forget_weights(model):
    weights_of(model).buffer = 0


def foreign_buffer(model):
    weights_of(model).buffer = 999


def foreign_tensor(model):
    model.subgraphs[0].operators[0].inputs[0] = 999


def foreign_code(model):
    model.subgraphs[0].operators[0].opcodeIndex = 77


def nothing_to_slice(model):
    model.subgraphs[0].operators[1].inputs[0] = -1


def circle(model):
    operators = model.subgraphs[0].operators
    operators[0].inputs[0] = operators[-1].outputs[0]


def no_results(model):
    model.subgraphs[0].operators[2].outputs = []


def no_operators(model):
    model.subgraphs[0].operators = []


def no_graph(model):
    model.subgraphs = []


def no_outputs(model):
    model.subgraphs[0].outputs = []


def no_frames(model):
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [1, 0, 1, 8]


def no_shape(model):
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = None


def tensors_of(model, operator):
    return [model.subgraphs[0].tensors[index] for index in operator.inputs]


def relu6_of_another_scale(model):
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU6
    model.operatorCodes.append(code)
    weighted = next(item for item in model.subgraphs[0].operators if weights_of(model) in tensors_of(model, item))
    weighted.opcodeIndex, weighted.inputs = len(model.operatorCodes) - 1, weighted.inputs[:1]


FAULTS = {
    cut_weights: "tensor 'pw2/weights', INT8 .* needs 117 bytes of data. Received: 4",
    forget_weights: "'pw2/weights', which has no data",
    foreign_buffer: "'pw2/weights' names buffer 999",
    foreign_tensor: "operator 0 .* names tensor 999 of",
    foreign_code: "operator 0 has code 77",
    nothing_to_slice: "SLICE 'one_out'.* its input 0 is -1",
    circle: "reads 'scores', which has no data and which no operator before it gives",
    no_results: "gives no tensor",
    no_operators: "no operator gives the output 'one_out'",
    no_graph: "no subgraph",
    no_outputs: "the model has no output",
    no_frames: r"'features' has the shape \[1, 0, 1, 8\]",
    no_shape: "input 'features' has no shape",
    relu6_of_another_scale: "RELU6 .* takes scale .* clamps without rescaling",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_check_model_with_a_fault_is_refused_by_name(data, fault):
    model = unpacked(data)
    check_model(packed(model))
    fault(model)
    with pytest.raises(KwsError, match=FAULTS[fault]):
        check_model(packed(model))


def test_try_model_unknown_operator_is_named(data):
    model = unpacked(data)
    model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = 150, 127
    with pytest.raises(KwsError, match="does not run the model: .*GELU"):
        try_model(packed(model), INPUTS)


def test_try_model_with_fewer_outputs_than_inputs_is_one_line(data, capfd):
    model = unpacked(data)
    model.subgraphs[0].outputs = model.subgraphs[0].outputs[:-1]
    with pytest.raises(KwsError, match="does not run the model: Output index 2 out of range"):
        try_model(packed(model), INPUTS)
    assert capfd.readouterr().err == ""  # where the interpreter says it, too


def test_check_model_cut_or_overwritten_is_refused_and_nothing_else(data):
    rng = np.random.default_rng(0)
    broken = [data[:size] for size in (0, 4, 7, 8, 20, 100, len(data) // 2)]
    for _ in range(100):
        changed = bytearray(data)
        for position in rng.integers(0, len(data), 8):
            changed[position] = rng.integers(256)
        broken.append(bytes(changed))
    refused = 0
    for model in broken:
        try:
            check_model(model)
        except KwsError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 90  # the rest changed weights or scales: other numbers, and no fault


@pytest.mark.parametrize(
    "code, said",
    [
        ("", None),
        ("import os; os.abort()", "it ended with SIGABRT"),
        ("import sys; print('no such thing', file=sys.stderr); sys.exit(3)", "no such thing"),
        ("import sys; sys.exit(3)", "status 3"),
        ("import time; time.sleep(60)", "it did not end within 1 s"),
    ],
)
def test_processes_run_tells_how_it_went(code, said):
    assert processes.run([sys.executable, "-c", code], b"", 1 if "sleep" in code else 60) == said
