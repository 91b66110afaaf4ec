"""A ``.tflite`` under change, by the schema's object interface: everything that is not touched stays as it was."""

from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.tflite import schema
from kws_reference.tflite.schema import generated


class Draft:
    """A model under change.

    Attributes:
      model: unpacked.
      graph: its main subgraph, whose tensors and operators these methods read and change.
      notes: what somebody should know of the changes, one line each.
    """

    def __init__(self, data: bytes):
        """Args: data: bytes of a ``.tflite``.

        Raises:
          KwsError: they are none, or damaged.
        """
        if data[4:8] != schema.IDENTIFIER:
            raise KwsError("the model is no .tflite: it does not say TFL3 in its bytes 4 to 7.")
        self.model = generated.ModelT.InitFromPackedBuf(data, 0)
        if not self.model.subgraphs:
            raise KwsError("the model has no subgraph.")
        self.graph = self.model.subgraphs[0]
        self.graph.operators = list(self.graph.operators or [])
        self.notes: list[str] = []
        for graph in self.model.subgraphs:
            _check_numbers(graph, len(self.model.operatorCodes or []), len(self.model.buffers or []))

    # Tensors.

    def tensor(self, index: int) -> Any:
        """A tensor of the main subgraph."""
        return self.graph.tensors[index]

    def name(self, index: int) -> str:
        """A tensor's name for messages."""
        name = self.tensor(index).name
        return f"'{schema.short_name(schema.name_text(name))}'" if name else f"tensor {index}"

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(numbers(self.tensor(index).shape))

    def dtype(self, index: int) -> str:
        """TensorFlow Lite's name of a tensor's type."""
        return schema.type_name(self.tensor(index).type)

    def quantization(self, index: int) -> tuple[float, int] | None:
        """Scale and zero point of a tensor, None unless it has one of each."""
        found = self.tensor(index).quantization
        if found is None or found.scale is None or len(found.scale) != 1:
            return None
        zero_points = numbers(found.zeroPoint)
        return float(np.float32(found.scale[0])), (zero_points[0] if zero_points else 0)

    def constant(self, index: int) -> np.ndarray | None:
        """Bytes of a constant, None of a tensor that is computed."""
        data = self.model.buffers[self.tensor(index).buffer].data
        return None if data is None or len(data) == 0 else np.asarray(data, np.uint8)

    def like(self, index: int, name: str, shape: tuple[int, ...], *, as_int8: tuple[float, int] | None = None) -> int:
        """A new activation of the type and range of another one, or of int8 with a scale and zero point."""
        model, made = self.tensor(index), generated.TensorT()
        made.name, made.shape, made.type, made.buffer = name.encode(), list(shape), model.type, 0
        made.quantization = model.quantization
        if as_int8 is not None:
            made.type, made.quantization = generated.TensorType.INT8, generated.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [as_int8[0]], [as_int8[1]]
        return self._append(made)

    def integers(self, name: str, values: list[int]) -> int:
        """A new constant, INT32."""
        made, buffer = generated.TensorT(), generated.BufferT()
        buffer.data = np.array(values, "<i4").view(np.uint8)
        self.model.buffers.append(buffer)
        made.name, made.shape, made.type = name.encode(), [len(values)], generated.TensorType.INT32
        made.buffer = len(self.model.buffers) - 1
        return self._append(made)

    def _append(self, tensor: Any) -> int:
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    # Operators.

    def kind(self, op: Any) -> str:
        """TensorFlow Lite's name of an operator."""
        code = self.model.operatorCodes[op.opcodeIndex]
        return schema.operator_name(max(code.builtinCode, code.deprecatedBuiltinCode))

    def add(self, kind: str, inputs: list[int], output: int, options: Any = None, *, at: int | None = None) -> None:
        """A new operator.

        Args:
          options: of the schema's object interface, or None.
          at: position among the operators; None: behind all.
        """
        made = generated.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self._code(kind), inputs, [output]
        if options is not None:
            table = type(options).__name__.removesuffix("T")
            made.builtinOptionsType, made.builtinOptions = getattr(generated.BuiltinOptions, table), options
        self.graph.operators.insert(len(self.graph.operators) if at is None else at, made)

    def _code(self, kind: str) -> int:
        builtin = getattr(generated.BuiltinOperator, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
                return index
        made = generated.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode, made.version = builtin, min(builtin, 127), 1
        self.model.operatorCodes.append(made)
        return len(self.model.operatorCodes) - 1

    def producer(self, index: int) -> Any | None:
        """The operator that writes a tensor."""
        return next((op for op in self.graph.operators if index in numbers(op.outputs)), None)

    def consumers(self, index: int) -> list[Any]:
        """The operators that read a tensor."""
        return [op for op in self.graph.operators if index in numbers(op.inputs)]

    def read_instead(self, old: int, new: int) -> None:
        """Lets every operator that reads `old` read `new`."""
        for op in self.graph.operators:
            op.inputs = [new if index == old else index for index in numbers(op.inputs)]

    def drop(self, op: Any) -> None:
        """Takes an operator out."""
        self.graph.operators = [other for other in self.graph.operators if other is not op]

    def pack(self) -> bytes:
        """The model as a file, with its main subgraph alone."""
        self.model.subgraphs, self.model.signatureDefs, self.model.metadata = [self.graph], [], []
        used = sorted({op.opcodeIndex for op in self.graph.operators})
        self.model.operatorCodes = [self.model.operatorCodes[index] for index in used]
        for op in self.graph.operators:
            op.opcodeIndex = used.index(op.opcodeIndex)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), schema.IDENTIFIER)
        return bytes(builder.Output())


def numbers(values: Any) -> list[int]:
    """Integers of a vector that may be missing."""
    return [] if values is None else [int(value) for value in values]


def _check_numbers(graph: Any, codes: int, buffers: int) -> None:
    """Refuses operators and tensors that name what is not there.

    Raises:
      KwsError: see above.
    """
    tensors = graph.tensors = list(graph.tensors or [])
    for op in graph.operators or []:
        indices = [*numbers(op.inputs), *numbers(op.outputs)]
        if not all(-1 <= index < len(tensors) for index in indices) or not 0 <= op.opcodeIndex < codes:
            raise KwsError("the model is damaged: an operator names a tensor or a kind that is not there.")
    if not all(0 <= index < len(tensors) for index in [*numbers(graph.inputs), *numbers(graph.outputs)]):
        raise KwsError("the model is damaged: an input or output names a tensor that is not there.")
    if not all(0 <= tensor.buffer < buffers for tensor in tensors):
        raise KwsError("the model is damaged: a tensor names a buffer that is not there.")
