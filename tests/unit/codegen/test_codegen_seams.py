"""Kernels, buffers, operators and templates belong together: none is left over, none is missing."""

import importlib
import pkgutil

import pytest
from kws_codegen import kernels, lower
from kws_codegen.buffers import StateBuffer
from kws_codegen.kernels.call import KernelCall
from kws_codegen.lower.operator import Operator
from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.render import tflm_model
from kws_codegen.render.environment import TEMPLATES, environment

from tests.support.native import ROOT

SHARED = {
    "common.j2",
    "cmsis_geometry.j2",
    "linear_int16.j2",
    "plane_geometry.j2",
    "pool_geometry.j2",
    "sigmoid_int16.j2",
}
"""Templates that others import from."""


def modules(package):
    """Every module of a package, imported."""
    return [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]


def kinds(base):
    """All subclasses that stand for something of the firmware."""
    modules(kernels)
    found, rest = [], [base]
    while rest:
        rest += (children := rest.pop().__subclasses__())
        found += [kind for kind in children if kind.__module__.startswith("kws_codegen.") and hasattr(kind, "template")]
    return [kind for kind in found if "kernel" in vars(kind) or "kind" in vars(kind)]


PARTS = kinds(KernelCall) + kinds(StateBuffer)


def template_of(part):
    """Template file of a kernel call or buffer, by its class alone."""
    return f"kernels/{part.kernel}.j2" if issubclass(part, KernelCall) else f"buffers/{part.kind}.j2"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_part_has_a_template_with_its_macro_and_a_header_of_the_firmware(part):
    module = environment().get_template(template_of(part)).module
    assert callable(module.call if issubclass(part, KernelCall) else module.type)
    assert (ROOT / "firmware/src" / part.header).is_file()


def test_templates_all_belong_to_a_part():
    files = {f"{folder}/{path.name}" for folder in ("kernels", "buffers") for path in (TEMPLATES / folder).iterdir()}
    assert files == {template_of(part) for part in PARTS} | {f"kernels/{name}" for name in SHARED}
    assert len(PARTS) == len({template_of(part) for part in PARTS}) > 10


def test_operators_are_all_known_to_engine_tflm():
    assert OPERATORS.keys() <= tflm_model.REGISTRATIONS.keys()


def test_operators_of_all_modules_are_listed_once():
    defined = {
        value.kind: value for module in modules(lower) for value in vars(module).values() if isinstance(value, Operator)
    }
    assert defined == OPERATORS
    assert not HINTS.keys() & OPERATORS.keys()
