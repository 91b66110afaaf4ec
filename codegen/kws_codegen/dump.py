"""A module as text, as it was read and as each pass leaves it: what ``--dump-ir`` writes."""

import difflib
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen.checks import quantization_text
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import describe
from kws_codegen.plan import Work


class Dump:
    """Writes a module after each pass: ``03-slide_windows.txt``, and in ``03-slide_windows.diff`` what it changed.

    ``00-read.txt`` is the module before all passes.
    """

    def __init__(self, folder: Path):
        """Args: folder: made when missing."""
        self._folder = folder
        self._count = 0
        self._before: list[str] = []

    def __call__(self, a_pass: Pass | None, module: Module) -> None:
        """Writes the module as it was read (no pass), or as a pass leaves it.

        Raises:
          KwsError: the folder cannot be written.
        """
        name, after = f"{self._count:02}-{a_pass.name if a_pass else 'read'}", text(module)
        self._write(f"{name}.txt", [f"# {a_pass.summary}" if a_pass else "# As it was read.", *after])
        if a_pass is not None:
            changes = difflib.unified_diff(self._before, after, "before", "after", lineterm="", n=1)
            self._write(f"{name}.diff", list(changes))
        self._count, self._before = self._count + 1, after

    def _write(self, name: str, lines: list[str]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise KwsError(f"cannot write to {self._folder}: {error.strerror}. Choose another --dump-ir.") from None


def text(module: Module) -> list[str]:
    """A module as lines, one for each operator, state, view, place and call. Tensors are numbers behind ``%``."""
    graph, names = module.graph, [state.name for state in module.states]
    lines = [f"features {_tensor(graph, module.features)}", f"scores {_tensor(graph, module.scores)}"]
    lines += [line for index in range(len(module.states)) for line in _state(module, index)]
    lines += [_op(module, op) for op in graph.ops]
    lines += [f"view %{index} is %{view.of} + {view.offset}" for index, view in sorted(module.views.items())]
    lines += [f"place %{index} in {describe(place, names)}" for index, place in sorted(module.places.items())]
    if module.program is not None:
        for number, call in enumerate(module.program.calls):
            reads = ", ".join(describe(place, names) for place in call.reads)
            lines.append(f"call {number} {call.name}: {describe(call.writes, names)} = {call.kernel}({reads})")
        lines += [f"value {number}: {size} bytes" for number, size in enumerate(module.program.values)]
    if module.plan is not None:
        for block in module.plan.blocks:
            what = f"work of call {block.holds.call}" if isinstance(block.holds, Work) else describe(block.holds, names)
            lines.append(f"scratch {block.offset} + {block.size}: {what}, calls {block.first} to {block.last}")
        lines.append(f"scratch in all: {module.plan.scratch_bytes} bytes")
    return lines


def _tensor(graph: Graph, index: int) -> str:
    if index < 0:
        return "none"
    tensor: Tensor = graph.tensors[index]
    kind = f"{tensor.dtype.lower()}{list(tensor.shape)}".replace(" ", "")
    detail = "constant" if tensor.data is not None else quantization_text(tensor)
    return f"%{index} '{tensor.name}' {kind} ({detail})"


def _op(module: Module, op: Op) -> str:
    inputs = ", ".join(f"%{index}" if index >= 0 else "none" for index in op.inputs)
    options = "".join(f" {name}={value}" for name, value in sorted(op.options.items()))
    marks = "".join(
        f" [{mark}]"
        for mark, has in (("folded", op.index in module.folded), ("packed", op.index in module.packed))
        if has
    )
    outputs = ", ".join(_tensor(module.graph, index) for index in op.outputs)
    return f"op {op.index}: {outputs} = {op.kind}({inputs}){options}{marks}"


def _state(module: Module, index: int) -> list[str]:
    state = module.states[index]
    line = (
        f"state {index} {state.name}: {_tensor(module.graph, state.source)} -> %{state.sink}, reset {state.reset_value}"
    )
    rows = module.sliding.get(index)
    if rows is not None:
        line += f", slides: {rows.rows} rows and {rows.new_rows} new ones of {rows.row_bytes}"
    if index in module.summed:
        line += ", summed"
    if module.buffers:
        line += f", kept as {module.buffers[index].kind}"
    return [line]
