"""Generated code that does not fit the firmware's sources is not compiled: it says to regenerate."""

import dataclasses
import os
import subprocess

import numpy as np
import pytest
from kws_codegen.buffers import PoolRing, SvdfMemory, Window
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_codegen.kernels import add, cmsis_nn, depthwise, elementwise_int16, packing, pointwise
from kws_codegen.kernels import elementwise as kernel_elementwise
from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.conv2d import Conv2d
from kws_codegen.kernels.depthwise2d import Depthwise2d
from kws_codegen.kernels.grouped_conv import GroupedConv
from kws_codegen.kernels.linear import LinearCall
from kws_codegen.kernels.linear_int16 import ConvInt16, LinearInt16
from kws_codegen.kernels.lookup import Lookup
from kws_codegen.kernels.lstm import Lstm
from kws_codegen.kernels.sigmoid_int16 import TanhInt16
from kws_codegen.kernels.softmax import Softmax
from kws_codegen.kernels.softmax_int16 import SoftmaxInt16
from kws_codegen.kernels.svdf import Svdf
from kws_codegen.lower import batch_matmul, broadcast
from kws_codegen.lower import move as lower_move
from kws_codegen.lower import reduce as lower_reduce
from kws_codegen.render import aot_model, files
from kws_reference.tflite import int16 as arithmetic_int16

from tests.support.cmsis_geometries import geometries, reserved
from tests.support.int16 import int16
from tests.support.models import (
    attention,
    borders,
    elementwise,
    gates,
    int4,
    lookups,
    matchbox,
    memories,
    moves,
    needs_cmsis,
    planes,
    pools,
)
from tests.support.native import WARNINGS
from tests.support.paths import ROOT

MODELS = {
    "int8": lambda: (matchbox(), None),
    "int4": lambda: (matchbox(), int4),
    "cmsis": lambda: (needs_cmsis(), None),
    "lookups": lambda: (lookups(), None),
    "moves": lambda: (moves(), None),
    "elementwise": lambda: (elementwise(), None),
    "pools": lambda: (pools(), None),
    "attention": lambda: (attention(), None),
    "planes": lambda: (planes(), None),
    "memories": lambda: (memories(), None),
    "gates": lambda: (gates(), None),
    **{
        f"{model.__name__} of int16": lambda model=model: (int16(model()), None)
        for model in (matchbox, planes, lookups, elementwise, attention)
    },
    "borders": lambda: (borders(), None),
}


def _time_weights(call):
    return Constant("TimeWeights", call.time_matrix)


def _without_a_row(call):
    tables = (Constant("HiddenWeights", call.hidden_weights[:, 1:]), Constant("Bias", call.frame_bias))
    return (*tables, Constant("Sigmoid", arithmetic_int16.sigmoid_table()))


# What the generator could take wrongly for granted: (model, owner, name, wrong value).
BELIEFS = {
    "scratch of pointwise kernels": ("int8", pointwise.Pointwise, "scratch_bytes", property(lambda k: 2 * k.inputs)),
    "weights": ("int8", LinearCall, "weights", property(lambda k: Constant("Weights", k.matrix.reshape(-1)[1:]))),
    "packing of rows": ("int4", pointwise, "pack_rows", lambda matrix: packing.pack_rows(matrix)[1:]),
    "packing of taps": ("int4", depthwise, "pack_taps", lambda matrix: packing.pack_taps(matrix)[1:]),
    "extra bits of ADD": ("int8", add, "ADD_LEFT_SHIFT", 19),
    "extra bits of sums": ("elementwise", kernel_elementwise, "ADD_LEFT_SHIFT", 19),
    "table of a function": ("lookups", Lookup, "tables", property(lambda k: (Constant("Table", k.results[1:]),))),
    "dimensions of copies": ("moves", lower_move, "AXES", 4),
    "dimensions of operands": ("elementwise", broadcast, "AXES", 4),
    "dimensions of sums": ("pools", lower_reduce, "AXES", 2),
    "dimensions of matrices": ("attention", batch_matmul, "AXES", 2),
    "exponentials": (
        "attention",
        Softmax,
        "tables",
        property(lambda k: (Constant("Exponentials", k.exponentials[1:]),)),
    ),
    "weights of groups": ("planes", GroupedConv, "weights", property(lambda k: Constant("Weights", k.matrix[1:]))),
    "biases of filters": ("memories", Svdf, "tables", property(lambda k: (_time_weights(k), Constant("Bias", k.bias)))),
    "size of a memory": ("memories", SvdfMemory, "data_bytes", property(lambda buffer: buffer.size)),
    "weights of gates": ("gates", Lstm, "weights", property(lambda k: Constant("Weights", k.frame_weights[1:]))),
    "weights of gates for the hidden state": ("gates", Lstm, "tables", property(lambda k: _without_a_row(k))),
    "scratch of filters": ("memories", Svdf, "scratch_bytes", property(lambda k: k.inputs)),
    "scratch of gates": ("gates", Lstm, "scratch_bytes", property(lambda k: 4 * k.units)),
    "table of gates": ("gates", arithmetic_int16, "sigmoid_table", lambda: np.zeros(255, np.uint16)),
    "weights of int16": (
        "matchbox of int16",
        LinearInt16,
        "weights",
        property(lambda k: Constant("Weights", k.matrix.reshape(-1)[1:])),
    ),
    "weights of int16 groups": (
        "planes of int16",
        ConvInt16,
        "weights",
        property(lambda k: Constant("Weights", k.matrix[1:])),
    ),
    "extra bits of int16 sums": ("elementwise of int16", elementwise_int16, "ADD_LEFT_SHIFT_INT16", 14),
    "table of int16 functions": (
        "lookups of int16",
        TanhInt16,
        "tables",
        property(lambda k: (Constant("Table", k.table[1:]),)),
    ),
    "exponentials of int16": (
        "attention of int16",
        SoftmaxInt16,
        "tables",
        property(lambda k: (Constant("Exponentials", k.exponentials[1:]), Constant("Reciprocals", k.reciprocals))),
    ),
    "reciprocals of int16": (
        "attention of int16",
        SoftmaxInt16,
        "tables",
        property(lambda k: (Constant("Exponentials", k.exponentials), Constant("Reciprocals", k.reciprocals[1:]))),
    ),
    "weights of convolutions": ("borders", Conv2d, "weights", property(lambda k: Constant("Weights", k.matrix))),
    "scratch of convolutions": ("borders", Conv2d, "scratch_bytes", property(lambda k: 9 * k.matrix.shape[1])),
    "scratch of depthwise convolutions": ("borders", Depthwise2d, "scratch_bytes", property(lambda k: 64)),
    "size of a window": ("int8", Window, "data_bytes", property(lambda buffer: buffer.size)),
    "size of a ring": ("int8", PoolRing, "data_bytes", property(lambda buffer: buffer.size)),
    "scratch of CMSIS-NN": ("cmsis", cmsis_nn, "depthwise_scratch_bytes", lambda geometry: 4096),
    "alignment": ("int8", aot_model, "ALIGNMENT_BYTES", 8),
    "contract": ("int8", files, "CONTRACT_VERSION", 0),
}


def complaints(source, *folders):
    """What the compiler says of a C++ file, "" when nothing."""
    includes = [f"-I{folder}" for folder in (ROOT / "firmware/include", ROOT / "firmware/src", *folders)]
    command = [os.environ.get("CXX", "g++"), "-std=gnu++17", "-fsyntax-only", *WARNINGS, *includes, source]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def complaints_of_model(model, folder):
    builder, change = MODELS[model]()
    bundle = builder.write(folder / "bundle", graph=change(builder.graph()) if change else None)
    write_files(folder / "generated", generate(bundle))
    return complaints(folder / "generated/aot_model.cc", folder / "generated")


@pytest.mark.parametrize("model", MODELS)
def test_generated_code_that_fits_compiles_without_a_word(model, tmp_path):
    assert complaints_of_model(model, tmp_path) == ""


@pytest.mark.parametrize("belief", BELIEFS)
def test_generated_code_of_a_wrong_belief_is_refused(belief, monkeypatch, tmp_path):
    model, owner, name, wrong = BELIEFS[belief]
    monkeypatch.setattr(owner, name, wrong)
    errors = [line for line in complaints_of_model(model, tmp_path).splitlines() if "error:" in line]
    assert errors and all("Regenerate" in line for line in errors), errors


@pytest.mark.parametrize("name", ["model_info.h", "frontend_tables.h", "detector_config.h"])
def test_generated_header_of_another_contract_is_refused(name, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "CONTRACT_VERSION", 0)
    write_files(tmp_path / "generated", generate(matchbox().write(tmp_path / "bundle")))
    (tmp_path / "user.cc").write_text(f'#include "{name}"\n')
    errors = [
        line for line in complaints(tmp_path / "user.cc", tmp_path / "generated").splitlines() if "error:" in line
    ]
    assert len(errors) == 1 and "Regenerate: kws-codegen generate" in errors[0], errors


def test_scratch_of_cmsis_nn_is_the_same_in_python_and_cpp(tmp_path):
    """Its own answers on the cores are compared in test_cmsis_scratch.py."""
    lines = ['#include "engine/aot/cmsis_nn.h"', "using namespace kws::aot;"]
    for g in geometries(1000):
        shape = f"{{{g.in_h}, {g.in_w}, {g.in_c}}}, {{{g.kernel_h}, {g.kernel_w}}}, {{{g.out_h}, {g.out_w}, {g.out_c}}}"
        steps = f"{{{g.stride_h}, {g.stride_w}}}, {{{g.pad_h}, {g.pad_w}}}, {{{g.dilation_h}, {g.dilation_w}}}"
        geometry = f"CmsisGeometry{{{shape}, {steps}, {g.depth_multiplier}}}"
        lines.append(f'static_assert(CmsisMaxScratchBytes({geometry}) == {reserved(g)}, "{dataclasses.asdict(g)}");')
    (tmp_path / "scratch.cc").write_text("\n".join(lines) + "\n")
    assert complaints(tmp_path / "scratch.cc") == ""
