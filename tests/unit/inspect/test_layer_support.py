"""kws-train list-layers: what streams and what quantizes, as the library and the converter say it."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import cli  # noqa: E402
from kws_training.inspect.layer_support import AS_IT_IS, HEADLINE, WRAPPED, keras_layers, layer_support  # noqa: E402
from kws_training.streaming import patterns  # noqa: E402


def test_layers_of_the_library_s_own_tables_stream_as_these_say():
    wrapped = (*patterns._RINGS, *patterns._POOLS, *patterns.WINDOWS, *patterns._RECURRENT, *patterns._TRANSPOSED)
    names = sorted(name for name, kind in keras_layers().items() if kind in wrapped)
    assert len(names) == len(wrapped) > 15
    assert {support.name: support.streams for support in layer_support(names, ask_converter=False)} == dict.fromkeys(
        names, WRAPPED
    )
    names = sorted(name for name, kind in keras_layers().items() if kind in patterns._ATTENTION)
    found = list(layer_support(names, ask_converter=False))
    assert [support.name for support in found] == names and len(names) == len(patterns._ATTENTION)
    assert all(support.streams == "" and "LocalSelfAttention" in support.why for support in found)


def test_layers_that_are_known_stream_and_quantize_or_say_why_not():
    names = ["Dense", "GRU", "ELU", "GroupNormalization", "Delay", "SVDF", "SubSpectralNormalization"]
    found = {support.name: support for support in layer_support(names)}
    assert {name: (item.streams, item.quantizes, item.trains) for name, item in found.items()} == {
        "Dense": (AS_IT_IS, True, True),
        "GRU": (WRAPPED, True, True),
        "ELU": (AS_IT_IS, False, False),
        "GroupNormalization": ("", None, None),
        "Delay": (AS_IT_IS, True, False),
        "SVDF": (AS_IT_IS, True, True),
        "SubSpectralNormalization": (AS_IT_IS, True, False),
    }
    assert {"LOGISTIC", "TANH", "MUL"} < set(found["GRU"].operators)
    assert found["ELU"].why.startswith("the converter leaves 1 operator in float (ELU")
    assert found["GroupNormalization"].why == "it normalises over time; LayerNormalization does not."


def test_list_layers_prints_a_row_for_each_that_is_named(capsys):
    assert cli.main(["list-layers", "Masking", "ReLU", "--streaming-only"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == HEADLINE
    assert (
        lines[1].startswith("Masking") and "leave it out" in lines[1] and lines[2].split() == ["ReLU", "as", "it", "is"]
    )
    assert cli.main(["list-layers", "Masking", "--streaming-only", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["streams"] == ""


def test_list_layers_of_no_layer_is_one_line(capsys):
    assert cli.main(["list-layers", "Nonsense"]) == 2
    assert "neither Keras nor the kit has a layer Nonsense" in capsys.readouterr().err
