"""Looks into a ``.tflite`` before TFLite Micro's interpreter does, which trusts it: of a faulty one it dies, or reads
weights that are not there."""

from typing import Any

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.tflite import schema

_OPTIONAL = {  # inputs that may be left out with -1; all other kernels read what they are told to read
    "CONV_2D": {2},
    "FULLY_CONNECTED": {2},
    "TRANSPOSE_CONV": {3},
    "UNIDIRECTIONAL_SEQUENCE_LSTM": set(range(24)),
}


def check_model(data: bytes) -> None:
    """Checks that every operator of a model finds its tensors, and every constant its bytes.

    Raises:
      KwsError: the file is damaged, or holds what TFLite Micro's interpreter would die of; it names the tensor.
    """
    if data[4:8] != schema.IDENTIFIER:
        raise KwsError("the model is no .tflite: it does not say TFL3 in its bytes 4 to 7. Export it again.")
    try:
        model = schema.generated.ModelT.InitFromPackedBuf(data, 0)
        graphs = list(model.subgraphs or [])
        if not graphs:
            raise KwsError("the model has no subgraph. Export it again.")
        for graph in graphs:
            _GraphCheck(model, graph).check()
    except KwsError:
        raise
    except Exception as error:  # whatever random bytes make flatbuffers do
        raise KwsError(
            f"the model is damaged, it cannot be read to its end ({error}). Restore or export it again."
        ) from None


class _GraphCheck:
    """Looks at one subgraph, unpacked by the schema's object interface: nothing of it is trusted."""

    def __init__(self, model: Any, graph: Any):
        self._model, self._graph = model, graph
        self._tensors, self._buffers = list(graph.tensors or []), list(model.buffers or [])

    def check(self) -> None:
        constants = {index for index, tensor in enumerate(self._tensors) if self._has_data(index, tensor)}
        inputs, outputs = self._ends("input", self._graph.inputs), self._ends("output", self._graph.outputs)
        variables = {index for index, tensor in enumerate(self._tensors) if tensor.isVariable}
        known = constants | set(inputs) | variables
        for number, operator in enumerate(list(self._graph.operators or [])):
            kind = self._kind(number, operator.opcodeIndex)
            results = _numbers(operator.outputs)
            where = f"operator {number} ({kind}{' ' + self._name(results[0]) if results else ''})"
            if not results:
                raise KwsError(f"{where} gives no tensor. Export the model again.")
            for position, index in enumerate(_numbers(operator.inputs)):
                self._check_input(where, kind, position, index, known)
            for index in results:
                self._check_index(where, index)
                self._check_size(index)
            if kind == "SVDF":
                self._check_rank(where, operator)
            if kind == "RELU6":
                self._check_same_scale(where, _numbers(operator.inputs)[0], results[0])
            known |= set(results)
        for index in outputs:
            if index not in known:
                raise KwsError(f"no operator gives the output {self._name(index)}. Export the model again.")

    def _check_input(self, where: str, kind: str, position: int, index: int, known: set[int]) -> None:
        if index == -1:
            if position in _OPTIONAL.get(kind, set()):
                return
            bias = kind == "DEPTHWISE_CONV_2D" and position == 2
            raise KwsError(
                f"{where}: its {'bias' if bias else f'input {position}'} is -1, a tensor left out, which TFLite Micro "
                f"cannot read there. {'End the inputs before it, or give zeros' if bias else 'Give the tensor'}."
            )
        self._check_index(where, index)
        if index not in known:
            raise KwsError(
                f"{where} reads {self._name(index)}, which has no data and which no operator before it gives. Export "
                "the model again."
            )

    def _check_same_scale(self, where: str, source: int, result: int) -> None:
        """Refuses what TFLite Micro would give the integers of another scale."""
        scales = [_scale(self._tensors[index]) for index in (source, result)]
        if scales[0] != scales[1]:
            raise KwsError(
                f"{where} takes scale and zero point {scales[0]} and gives {scales[1]}: TFLite Micro clamps without "
                "rescaling there. Let a convolution take it in, or export the model again."
            )

    def _check_rank(self, where: str, operator: Any) -> None:
        """Refuses a rank that TFLite Micro would divide by in vain."""
        rank = getattr(operator.builtinOptions, "rank", 0)
        if rank < 1:
            raise KwsError(f"{where} has rank {rank}, it must be 1 or more. Export the model again.")

    def _check_index(self, where: str, index: int) -> None:
        if not 0 <= index < len(self._tensors):
            raise KwsError(f"{where} names tensor {index} of {len(self._tensors)}. The model is damaged: restore it.")

    def _check_size(self, index: int) -> None:
        shape = _numbers(self._tensors[index].shape)
        if any(size < 1 for size in shape):
            raise KwsError(
                f"tensor {self._name(index)} has the shape {shape}: TFLite Micro has no tensors without elements."
            )

    def _ends(self, what: str, ends: Any) -> list[int]:
        found = _numbers(ends)
        if not found:
            raise KwsError(f"the model has no {what}. Export it again.")
        for index in found:
            self._check_index(f"the model's {what}", index)
            if not _numbers(self._tensors[index].shape):
                raise KwsError(f"{what} {self._name(index)} has no shape. Export the model again.")
            self._check_size(index)
        return found

    def _has_data(self, index: int, tensor: Any) -> bool:
        """Whether a tensor is a constant, after a look at its bytes."""
        if not 0 <= tensor.buffer < len(self._buffers):
            raise KwsError(
                f"tensor {self._name(index)} names buffer {tensor.buffer} of {len(self._buffers)}. Restore the model."
            )
        data = self._buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            return False
        elements, kind = int(np.prod(_numbers(tensor.shape), dtype=np.int64)), schema.type_name(tensor.type)
        wanted = -(-elements * schema.ELEMENT_BITS[kind] // 8) if kind in schema.ELEMENT_BITS else len(data)
        if len(data) != wanted:
            raise KwsError(
                f"tensor {self._name(index)}, {kind} {_numbers(tensor.shape)}, needs {wanted} bytes of data. Received: "
                f"{len(data)}. The model is damaged: restore it."
            )
        return True

    def _kind(self, number: int, code: int) -> str:
        codes = list(self._model.operatorCodes or [])
        if not 0 <= code < len(codes):
            raise KwsError(f"operator {number} has code {code} of {len(codes)}. The model is damaged: restore it.")
        return schema.operator_name(max(codes[code].builtinCode, codes[code].deprecatedBuiltinCode))

    def _name(self, index: int) -> str:
        name = self._tensors[index].name if 0 <= index < len(self._tensors) else None
        return f"'{schema.short_name(schema.name_text(name))}'" if name else str(index)


def _scale(tensor: Any) -> tuple[list[float], list[int]]:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None:
        return [], []
    return [float(np.float32(scale)) for scale in quantization.scale], _numbers(quantization.zeroPoint)


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]
