"""Describes a bundle, which is read from its ``.tflite``."""

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.check import check_model
from kws_reference.tflite.graph import Graph, Op
from kws_reference.tflite.reader import read

from kws_training.inspect.description import INPUT, Description, Layer, size, times


def describe_bundle(bundle: Bundle) -> Description:
    """Describes the operators of a bundle's ``.tflite``; batch normalisation is folded into its weights.

    Raises:
      KwsError: the model is damaged, is no ``.tflite`` with one subgraph, or contradicts the manifest.
    """
    try:
        check_model(bundle.model)
        return _described(bundle, read(bundle.model))
    except KwsError as error:
        raise KwsError(f"{bundle.path}: {error}") from None
    except LookupError as error:
        raise KwsError(
            f"{bundle.path}: the model lacks inputs and outputs of the manifest, or of an operator "
            f"({type(error).__name__}: {error}). Export it again."
        ) from None


def _described(bundle: Bundle, graph: Graph) -> Description:
    made_by = {graph.inputs[bundle.features.index]: INPUT}
    state_of = {graph.inputs[state.input_index]: state for state in bundle.states}
    writes_state = {graph.outputs[state.output_index] for state in bundle.states}
    computed, writers = [], []
    for op in graph.ops:
        given = [tensor for tensor in op.inputs if tensor >= 0]
        weights = [graph.tensors[tensor] for tensor in _weights(graph, op)]
        activation = op.options.get("activation", "NONE")
        output = op.outputs[0]
        made_by[output] = f"{op.index} {op.kind}"
        row = Layer(
            name=made_by[output],
            kind=op.kind if activation == "NONE" else f"{op.kind} + {activation}",
            inputs=tuple(made_by[tensor] for tensor in given if tensor in made_by),
            output=graph.tensors[output].shape[1:],
            parameters=sum(tensor.size for tensor in weights),
            macs=_op_macs(graph, op),
            states={state_of[tensor].name: state_of[tensor].shape[1:] for tensor in given if tensor in state_of},
            state_bytes=sum(graph.tensors[tensor].stored_bytes for tensor in given if tensor in state_of),
            weight_bytes=sum(tensor.stored_bytes for tensor in weights),
        )
        (writers if output in writes_state else computed).append(row)
    return Description(
        bundle.name,
        "bundle",
        (bundle.frames_per_step, bundle.frontend.coefficients),
        (*computed, *writers),
        (made_by[graph.outputs[bundle.scores.index]],),
        *times(bundle.frontend),
        model_bytes=len(bundle.model),
    )


def _weights(graph: Graph, op: Op) -> list[int]:
    """Constant inputs, but not the shapes and axes of operators that compute nothing."""
    constants = [tensor for tensor in op.inputs if tensor >= 0 and graph.tensors[tensor].data is not None]
    if _op_macs(graph, op):
        return constants
    return [tensor for tensor in constants if graph.tensors[tensor].dtype not in ("INT32", "INT64")]


def _op_macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of an operator."""
    shapes = [graph.tensors[tensor].shape if tensor >= 0 else () for tensor in op.inputs]
    output = graph.tensors[op.outputs[0]].size
    if op.kind in ("CONV_2D", "FULLY_CONNECTED"):  # weights [out, ...]
        return output * size(shapes[1][1:])
    if op.kind == "DEPTHWISE_CONV_2D":  # [1, taps, bins, out]
        return output * size(shapes[1][1:3])
    if op.kind == "TRANSPOSE_CONV":  # shape, weights [out, taps, bins, in], input: each input element spreads
        return size(shapes[2]) * size(shapes[1][:3])
    if op.kind == "BATCH_MATMUL":
        return output * shapes[0][-2 if op.options["adjoint_a"] else -1]
    if op.kind in ("SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"):  # every matrix once in each of its steps
        matrices = [index for index in op.inputs if index >= 0 and graph.tensors[index].data is not None]
        steps = size(shapes[0][:-1]) if op.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM" else 1
        return steps * sum(graph.tensors[index].size for index in matrices if len(graph.tensors[index].shape) == 2)
    return 0
