"""Op resolvers of other people's models, compiled in the stand-in tree: exactly the operators that the graph has."""

import subprocess

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_codegen.render.tflm_model import REGISTRATIONS
from kws_reference.tflite.reader import read

from tests.support import native, tflm_tree, wake_words
from tests.support.published import PUBLISHED


@pytest.mark.parametrize("name", [*wake_words.MODELS, *PUBLISHED])
def test_tflm_resolver_of_an_adopted_model_holds_exactly_its_operators(name, tmp_path):
    make = PUBLISHED[name].bundle if name in PUBLISHED else lambda folder: wake_words.adopt(name, folder)
    bundle = make(tmp_path / name)
    write_files(tmp_path / "generated", generate(bundle))
    program = native.build(
        "tflm_resolver",
        ["tests/integration/native/tflm_resolver_main.cc", *tflm_tree.KERNELS],
        includes=[tmp_path / "generated", *tflm_tree.INCLUDES],
        defines=tflm_tree.DEFINES,
    )
    result = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    places, *lines = result.stdout.splitlines()
    graph = read(bundle.model)
    kinds = graph.op_kinds
    wide = {op.kind for op in graph.ops for index in op.outputs if graph.tensors[index].dtype != "INT8"}
    # What is of int8 alone takes the registration for it, where there is one.
    for_int8 = {kind for kind in kinds if REGISTRATIONS[kind].int8_header is not None} - wide
    assert lines == [f"{kind} {int(kind in for_int8)}" for kind in kinds]
    assert int(places) == len(kinds)
