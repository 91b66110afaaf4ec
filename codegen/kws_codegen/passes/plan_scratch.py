"""Where scratch values and working memory lie."""

from kws_codegen import plan
from kws_codegen.ir import Module
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.program import Program


def _program(module: Module) -> Program:
    assert module.program is not None  # passes.pipeline has it made before
    return module.program


def line_up(module: Module) -> Module:
    """Lays scratch blocks one behind the other."""
    return module.replace(plan=plan.lined_up(_program(module)))


def share(module: Module) -> Module:
    """Lets scratch blocks share memory that are never needed at once."""
    return module.replace(plan=plan.overlapped(_program(module)))


LINE_UP_SCRATCH = Pass("line_up_scratch", line_up)
SHARE_SCRATCH = Pass("share_scratch", share, optional=True)
