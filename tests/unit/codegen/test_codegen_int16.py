"""What the generator makes of int16 activations: places in bytes, states, registrations, tables of operators."""

import json

from kws_codegen.cli import main
from kws_codegen.generator import build, generate
from kws_codegen.kernels.move import Move
from kws_codegen.lower.int16.operators import ALSO_INT16, KINDS, LOWERINGS, has_int16
from kws_codegen.lower.operators import OPERATORS
from kws_codegen.places import Part
from kws_codegen.render import tflm_model

from tests.support.int16 import int16
from tests.support.models import UNUSUAL, matchbox


def test_int16_operators_are_operators_and_none_has_two_ways():
    assert KINDS <= OPERATORS.keys()
    assert not LOWERINGS.keys() & set(ALSO_INT16)


def test_ops_says_which_operators_run_on_int16(capsys):
    assert main(["ops", "--json"]) == 0
    rows = {row["operator"]: row["int16"] for row in json.loads(capsys.readouterr().out)}
    assert {kind for kind, runs in rows.items() if runs} == KINDS


def test_int16_states_take_two_bytes_an_element(tmp_path):
    narrow, wide = matchbox().write(tmp_path / "int8"), int16(matchbox()).write(tmp_path / "int16")
    buffers = [build(bundle)[1].buffers for bundle in (narrow, wide)]
    assert [2 * buffer.size for buffer in buffers[0]] == [buffer.size for buffer in buffers[1]]
    # A running sum of int16 rows would need 32 bits each: the window keeps them.
    assert [buffer.kind for buffer in buffers[0]][-1:] == ["ring"] and buffers[1][-1].kind == "window"
    assert [buffer.reset_value for buffer in buffers[1]] == [0] * 4


def test_int16_parts_and_moves_are_counted_in_bytes(tmp_path):
    """Everything of an int16 tensor begins at an even byte."""
    calls = []
    for name in ("moves", "pools"):
        graph, program, _ = build(int16(UNUSUAL[name]()).write(tmp_path / name))
        calls += [call for call in program.calls if call.op and has_int16(graph, call.op) and call.kernel != "rescale"]
    parts = [place for call in calls for place in (*call.reads, call.writes) if isinstance(place, Part)]
    assert parts and all(part.offset % 2 == 0 for part in parts)
    moves = [call for call in calls if isinstance(call, Move)]
    assert all(call.source_offset % 2 == call.target_offset % 2 == 0 for call in moves)
    assert any(call.axes[-1].count == 2 for call in moves)  # elements that lie apart


def test_int16_pointers_are_cast_in_the_generated_engine(tmp_path):
    text = generate(int16(matchbox()).write(tmp_path))["aot_model.cc"]
    assert "aot::DenseInt16<int32_t, aot::RoundingInt16::kOnce>" in text
    assert "aot::Int16(g_scratch + " in text and "aot::Int16(g_block1.Rows())" in text


def test_tflm_resolver_of_int16_takes_the_registrations_of_all_types(tmp_path):
    bundle = int16(matchbox()).write(tmp_path)
    graph, _, _ = build(bundle)
    context = tflm_model.context(bundle, graph)
    assert not any(add["registration"] for add in context["adds"])
    assert [pair["size"] for pair in context["pairs"]] == [state.size_bytes for state in bundle.states]
