"""What cannot be generated is refused by name, in one line."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen.cli import main
from kws_codegen.generator import build, generate
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError

from tests.support.models import (
    STEPS_PER_STD,
    UNUSUAL,
    GraphBuilder,
    matchbox,
    no_states,
    replace_op,
    replace_tensor,
)
from tests.support.tflite_writer import write


def op_kind(output, kind):
    return lambda graph: replace_op(graph, output, kind=kind)


def op_options(output, **options):
    return lambda graph: replace_op(graph, output, options=options)


def tensor(name, **changes):
    return lambda graph: replace_tensor(graph, name, **changes)


def reroute_state(graph):
    """The state's output comes from somewhere else than its own rows."""
    names = {t.name: t.index for t in graph.tensors}
    return replace_op(
        graph, "block2_out", inputs=(names["block1/concat"], *graph.ops[0].inputs[:0], *slice_bounds(graph))
    )


def slice_bounds(graph):
    return next(op for op in graph.ops if graph.tensors[op.outputs[0]].name == "block2_out").inputs[1:]


def slice_with_stride(graph):
    return replace_tensor(graph, "block2/strides", data=np.array([1, 2, 1, 1], np.int32))


def weights_not_constant(graph):
    return replace_tensor(graph, "block2/pointwise/weights", data=None)


def second_scale(name):
    return lambda graph: replace_tensor(graph, name, scales=(0.1, 0.2), zero_points=(0, 0))


def other_scale(name):
    def change(graph):
        old = next(t for t in graph.tensors if t.name == name)
        return replace_tensor(graph, name, scales=(old.scales[0] * 1.25,))

    return change


def constant_operands(graph):
    names = {t.name: t.index for t in graph.tensors}
    graph = replace_tensor(graph, "block2/residual/weights", scales=(0.1,), zero_points=(0,))
    return replace_op(graph, "block2/add", inputs=(names["block2/residual/weights"],) * 2)


def broadcast(graph):
    names = {t.name: t.index for t in graph.tensors}
    op = next(op for op in graph.ops if op.kind == "ADD")
    return replace_op(graph, "block2/add", inputs=(op.inputs[0], names["features"]))


CASES = {
    "unknown op": (op_kind("block2/add", "DIV"), r"DIV \(operator \d+, output 'block2/add'\).*not supported"),
    "op with a hint": (
        op_kind("block1/pointwise", "RELU_N1_TO_1"),
        r"RELU_N1_TO_1 .*'block1/pointwise'.*only as the activation of the layer before",
    ),
    "activation": (op_options("block1/pointwise", activation="TANH"), r"CONV_2D .*'block1/pointwise'.*activation TANH"),
    "type of activation": (tensor("block1/pointwise", dtype="INT32"), r"'block1/pointwise' has type INT32, only INT8"),
    "two types": (tensor("block1/pointwise", dtype="INT16"), r"'block1/depthwise' has type INT8, only INT16"),
    "type of weights": (
        tensor("scores/weights", dtype="FLOAT32", data=np.zeros((4, 32), np.float32)),
        r"FULLY_CONNECTED.*'scores/weights' have type FLOAT32",
    ),
    "type of int4 activation": (
        tensor("block1/pointwise", dtype="INT4"),
        r"'block1/pointwise' has type INT4, only INT8",
    ),
    "int4 weights not constant": (
        tensor("scores/weights", dtype="INT4", data=None),
        r"FULLY_CONNECTED.*'scores/weights' are not constant",
    ),
    "type of int4 bias": (
        tensor("scores/bias", dtype="INT4", data=np.zeros(4, np.int8)),
        r"bias 'scores/bias' have type INT4",
    ),
    "type of features": (tensor("features", dtype="FLOAT32"), r"features: tensor 'features' has type FLOAT32"),
    "weights not constant": (weights_not_constant, r"CONV_2D .*'block2/pointwise/weights' are not constant"),
    "weights zero point": (tensor("scores/weights", zero_points=(3,)), r"'scores/weights' must have .* zero point 0"),
    "weights scales": (second_scale("block2/pointwise/weights"), r"must have 1 or 16 scales .*they have 2 scales"),
    "scale per channel": (second_scale("block1/pointwise"), r"'block1/pointwise' must have one positive scale"),
    "bias type": (
        tensor("scores/bias", dtype="INT64", data=np.zeros(4, np.int64)),
        r"bias 'scores/bias' have type INT64",
    ),
    "state output scale": (
        other_scale("block2_out"),
        r"state block2: output 'block2_out' .* and input 'block2_in' .* differ",
    ),
    "state joined scale": (
        other_scale("block2/concat"),
        r"CONCATENATION .*'block2_in' and 'block2/concat' must share scale",
    ),
    "state of other shape": (tensor("block2_out", shape=(1, 5, 1, 16)), r"state block2: output 'block2_out' has shape"),
    "state output from elsewhere": (reroute_state, r"STRIDED_SLICE .*'block2_out'.*it keeps \[1, 4, 1, 8\]"),
    "state slice stride": (slice_with_stride, r"STRIDED_SLICE .*'block2_out'.*it keeps \[1, 3, 1, 16\]"),
    "state joined on channels": (
        op_options("block2/concat", axis=3),
        r"CONCATENATION .*'block2_in' .* does not fit .* on axis 3",
    ),
    "concat activation": (op_options("block2/concat", activation="RELU"), r"CONCATENATION .*fused activation RELU"),
    "pool scale": (other_scale("pool/frames"), r"'pool/frames' .*must share scale and zero point"),
    "pool padding": (op_options("pool/frames", filter_w=2, padding="SAME"), r"AVERAGE_POOL_2D .*'pool/frames'"),
    "view scale": (other_scale("block3/split"), r"RESHAPE .*'block3/split' must share scale"),
    "view size": (tensor("block3/split", shape=(1, 5, 1, 16)), r"RESHAPE .*cannot become \[1, 5, 1, 16\]"),
    "constant operands": (constant_operands, r"ADD .*'block2/residual/weights' are constant"),
    "broadcast": (broadcast, r"ADD .*operand 'features' \[1, 2, 1, 8\] cannot be repeated to \[1, 2, 1, 16\]"),
    "shape of output": (
        tensor("block2/pointwise", shape=(1, 3, 1, 16)),
        r"CONV_2D .*'block2/pointwise'.*give 2.*says 3",
    ),
    "shape of weights": (tensor("scores/weights", shape=(4, 31)), r"damaged|weights \[4, 31\] do not fit"),
    "weights format": (op_options("scores", weights_format=1), r"FULLY_CONNECTED .*weights format 1"),
    "batch": (tensor("block2/residual", shape=(2, 1, 1, 16)), r"'block2/residual' .* \[2, 1, 1, 16\], only batch 1"),
}


@pytest.mark.parametrize("case", CASES)
def test_generate_refuses_by_name(case, tmp_path):
    change, message = CASES[case]
    builder = matchbox()
    bundle = builder.write(tmp_path, graph=change(builder.graph()))
    with pytest.raises(KwsError, match=message) as caught:
        build(bundle)
    assert "\n" not in str(caught.value)


def test_generate_state_missing_in_manifest_is_refused(tmp_path):
    builder = matchbox()
    bundle = builder.write(tmp_path)
    # The last state's output goes, and what the scores' index was.
    manifest = {k: v for k, v in bundle.manifest.items() if k not in ("format_version", "model_sha256")}
    state = manifest["states"].pop()
    manifest["scores"]["output_index"] -= 1
    assert state["name"] == "pool"
    smaller = write_bundle(tmp_path / "less", bundle.model, manifest)
    with pytest.raises(
        KwsError, match="the model has 5 inputs, the manifest names features and 3 states.*pair is missing"
    ):
        build(smaller)


def test_generate_state_output_without_input_is_refused(tmp_path):
    builder = matchbox()
    graph = builder.graph()
    bundle = builder.write(tmp_path, graph=dataclasses.replace(graph, outputs=(graph.outputs[0], *graph.outputs)))
    with pytest.raises(KwsError, match="the model has 6 outputs, the manifest names scores and 4 states"):
        build(bundle)


def test_generate_manifest_with_other_scale_than_model_is_refused(tmp_path):
    builder = matchbox()
    builder.states[1]["scale"] *= 1.0001
    with pytest.raises(KwsError, match="state block2: the manifest says scale"):
        build(builder.write(tmp_path))


def test_generate_accumulator_beyond_int32_is_refused(tmp_path):
    builder = matchbox()
    index = next(i for i, t in enumerate(builder.tensors) if t.name == "scores/bias")
    builder.tensors[index].data[0] = 2**31 - 1
    with pytest.raises(KwsError, match="FULLY_CONNECTED.*an accumulator can reach 21"):
        build(builder.write(tmp_path))


def test_generate_scores_that_are_a_state_are_still_written(tmp_path):
    """A network whose last activation is also a state: the scores are copied out."""
    builder = GraphBuilder(1)
    x = builder.input("features", (1, 1, 1, 4), 1 / STEPS_PER_STD)
    x = builder.conv("pw", x, 3)
    builder.state("memory", 2, x)
    builder.scores(builder.reshape("flat", x, (1, 3)))
    _, program, _ = build(builder.write(tmp_path))
    assert [call.name for call in program.calls] == ["input.pointwise", "scores.copy"]


def test_generate_tflm_takes_a_model_that_aot_refuses(tmp_path):
    builder = matchbox()
    graph = replace_op(builder.graph(), "block2/add", kind="DIV")
    bundle = builder.write(tmp_path, graph=graph)
    with pytest.raises(KwsError, match="DIV"):
        generate(bundle)
    files = generate(bundle, engine="tflm")
    assert "aot_model.cc" not in files and "resolver.AddDiv()" in files["tflm_model.h"]


SMALL = write(matchbox().graph())


@pytest.fixture(scope="module")
def good_bundle(tmp_path_factory):
    return matchbox().write(tmp_path_factory.mktemp("bundle"))


@settings(max_examples=150, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(8, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_generate_damaged_model_is_one_line_or_a_program(edits, good_bundle):
    model = bytearray(SMALL)
    for position, value in edits:
        model[position] = value
    try:
        build(dataclasses.replace(good_bundle, model=bytes(model)))
    except KwsError as error:
        assert "\n" not in str(error)


def test_cli_refusal_is_one_line_and_exit_2(tmp_path, capsys):
    builder = matchbox()
    builder.write(tmp_path / "bundle", graph=replace_op(builder.graph(), "block2/add", kind="DIV"))
    assert main(["generate", str(tmp_path / "bundle"), "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: cannot generate DIV (operator") and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_cli_other_format_version_is_refused(tmp_path, capsys):
    bundle = matchbox().write(tmp_path / "bundle")
    text = (bundle.path / "model.json").read_text().replace('"format_version": 1', '"format_version": 2')
    (bundle.path / "model.json").write_text(text)
    assert main(["inspect", str(bundle.path)]) == 2
    assert "format version 2 is not supported" in capsys.readouterr().err


def test_bundle_of_builder_loads_again(tmp_path):
    assert Bundle.load(matchbox().write(tmp_path).path).name == "test"


REQUIRED_INPUTS = [
    ("block2/concat", 0),
    ("block2/concat", 1),
    ("block2_out", 0),
    ("block2_out", 1),
    ("block2_out", 2),
    ("block2_out", 3),
    ("block1/depthwise", 0),
    ("block1/depthwise", 1),
    ("block1/pointwise", 0),
    ("block1/pointwise", 1),
    ("block2/add", 0),
    ("block2/add", 1),
    ("block3/split", 0),
    ("pool/frames", 0),
    ("scores", 0),
    ("scores", 1),
]


@pytest.mark.parametrize("absent", ["minus_one", "cut"])
@pytest.mark.parametrize("output, position", REQUIRED_INPUTS)
def test_generate_operator_without_a_required_input_is_refused_by_name(output, position, absent, tmp_path):
    """Only a bias is optional: -1 must not be taken for the last tensor."""
    builder = matchbox()
    graph = builder.graph()
    (op,) = [op for op in graph.ops if graph.tensors[op.outputs[0]].name == output]
    inputs = list(op.inputs)
    inputs = inputs[:position] if absent == "cut" else [*inputs[:position], -1, *inputs[position + 1 :]]
    bundle = builder.write(tmp_path / "bundle", graph=replace_op(graph, output, inputs=tuple(inputs)))
    with pytest.raises(KwsError, match=f"{op.kind} .*'{output}'.*input {position} is missing"):
        generate(bundle)


@pytest.mark.parametrize("layer", ["convolution", "depthwise", "dense"])
def test_generate_bias_of_minus_one_equals_an_absent_bias(layer, tmp_path):
    """A file may name the input -1 or end before it; both are a bias of zeros."""

    def aot(bias):
        b = GraphBuilder(4)
        x = b.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD)
        x = b.conv("conv", x, 8, bias=bias if layer == "convolution" else "zero")
        x = b.depthwise("dw", x, 2, bias=bias if layer == "depthwise" else "zero")
        b.scores(b.dense("scores", b.reshape("flat", x, (1, 8)), 3, bias=bias if layer == "dense" else "zero"))
        bundle = b.write(tmp_path / bias)
        return generate(bundle)["aot_model.cc"].partition("#include")[2], bundle

    (minus_one, bundle), (absent, _), (zeros, _) = aot("optional"), aot("absent"), aot("zero")
    assert minus_one == absent
    # With a bias the file has one tensor more: only names in comments could differ.
    assert minus_one == zeros
    header = generate(bundle)["tflm_model.h"]
    assert ('#error "Engine tflm cannot run' in header) == (layer == "depthwise")


def test_generate_engine_tflm_of_depthwise_bias_minus_one_is_refused_by_name(tmp_path):
    """TensorFlow Lite Micro reads through a null pointer there."""
    b = GraphBuilder(4)
    x = b.depthwise("dw", b.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD), 2, bias="optional")
    b.scores(b.reshape("scores", x, (1, 8)))
    with pytest.raises(KwsError, match="DEPTHWISE_CONV_2D .*'dw'.*bias of zeros"):
        generate(b.write(tmp_path / "bundle"), engine="tflm")


def reordered(order):
    """The operators of model `no_states` (0 to 4, dense last) in another order, left out or repeated."""
    graph = no_states().graph()
    return dataclasses.replace(graph, ops=tuple(graph.ops[index] for index in order))


def view_of_itself():
    builder = no_states()
    scores = builder.outputs[-1]
    builder.op("RESHAPE", [scores, builder.constant("shape", [1, 5])], scores)
    return builder.graph()


def shape_that_numpy_completes():
    graph = no_states().graph()
    return replace_tensor(graph, "narrow/weights", shape=(-1, 1, 1, 20))


@pytest.mark.parametrize("engine", ["all", "tflm"])
@pytest.mark.parametrize(
    "graph, message",
    [
        (lambda: reordered([0, 1, 2, 3]), r"no operator writes the output 'scores'"),
        (lambda: reordered([3, 0, 1, 2, 4]), r"RESHAPE .* reads 'dw' before any operator wrote it"),
        (lambda: reordered([0, 1, 2, 3, 4, 4]), r"FULLY_CONNECTED .* writes over 'scores'"),
        (view_of_itself, r"RESHAPE .* writes over 'scores'"),
        (shape_that_numpy_completes, r"damaged .*shape \[-1, 1, 1, 20\]"),
    ],
    ids=["output unwritten", "view before its source", "written twice", "view of itself", "negative size"],
)
def test_generate_tensors_without_one_origin_in_order_are_refused(graph, message, engine, tmp_path):
    """Else the engine would hand out memory that nobody wrote, or the generator would follow a view for ever."""
    bundle = no_states().write(tmp_path, graph=graph())
    with pytest.raises(KwsError, match=message):
        generate(bundle, engine=engine)


def test_generate_maximum_over_dimensions_that_are_no_neighbours_is_refused_by_name(tmp_path):
    b = GraphBuilder(4)
    x = b.reshape("image", b.input("features", (1, 2, 1, 24), 1 / STEPS_PER_STD), (1, 2, 3, 8))
    x = b.reduced("REDUCE_MAX", "tops", x, [1, 3], keep=False)
    b.scores(b.dense("scores", x, 3))
    with pytest.raises(KwsError, match=r"REDUCE_MAX .*'tops'.*\[1, 3\] of \[1, 2, 3, 8\] are not neighbours"):
        generate(b.write(tmp_path / "bundle"))


@pytest.mark.parametrize(("name", "kind"), [("memories", "SVDF"), ("gates", "UNIDIRECTIONAL_SEQUENCE_LSTM")])
@pytest.mark.parametrize("engine", ["all", "tflm"])
def test_generate_states_that_the_manifest_does_not_name_are_refused(name, kind, engine, tmp_path):
    """No reset would reach them, and nothing would compare them."""
    builder = UNUSUAL[name]()
    graph = builder.as_converted()
    builder.states.clear()
    builder.outputs = builder.outputs[-1:]
    bundle = builder.write(tmp_path, graph=graph)
    with pytest.raises(KwsError, match=f"{kind} .*no state of the manifest is its state '.*'; kws-codegen adopt"):
        generate(bundle, engine=engine)
