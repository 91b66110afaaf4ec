"""Names of kernel calls that differ, and that say what a call is for."""

import dataclasses

from kws_codegen.ir import Module
from kws_codegen.kernels.add import Add
from kws_codegen.kernels.call import KernelCall
from kws_codegen.passes.compiler_pass import Pass


def run(module: Module) -> Module:
    """Names a block's residual after the block and numbers equal names.

    A call of another block that only feeds a block's ADD is that block's residual.
    """
    program = module.program
    assert program is not None  # passes.pipeline has it made before
    calls = list(program.calls)
    seen: dict[str, int] = {}
    result = []
    for call, name in zip(calls, _name_residuals(calls), strict=True):
        seen[name] = seen.get(name, 0) + 1
        result.append(dataclasses.replace(call, name=name if seen[name] == 1 else f"{name}{seen[name]}"))
    return module.replace(program=dataclasses.replace(program, calls=tuple(result)))


def _name_residuals(calls: list[KernelCall]) -> list[str]:
    writers = {call.writes: position for position, call in enumerate(calls)}
    names = [call.name for call in calls]
    for call in calls:
        if not isinstance(call, Add):
            continue
        block = call.name.rsplit(".", 1)[0]
        for place in call.reads:
            writer = writers.get(place)
            if writer is not None and not names[writer].startswith(f"{block}."):
                names[writer] = f"{block}.residual"
    return names


NAME_CALLS = Pass("name_calls", run)
