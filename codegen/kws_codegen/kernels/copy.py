"""Copy of an activation: ``aot::CopyBytes``."""

import dataclasses

from kws_codegen.kernels.call import KernelCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Copy(KernelCall):
    """Copies `bytes` bytes."""

    bytes: int

    kernel = "copy"
    header = "engine/aot/copy.h"
