"""Operators that can be at fault when an output is wrong and others are right."""

from kws_reference.tflite.suspects import suspects

from tests.support.models import GraphBuilder


def _graph():
    """Two layers in a row, each with a state behind it that is an output, and a dense layer."""
    b = GraphBuilder(3)
    x = b.conv("first", b.input("features", (1, 1, 1, 8), 1 / 16), 4)
    x = b.conv("second", b.state("early", 2, x), 4, kernel=3)
    x = b.state("late", 2, x)
    b.scores(b.dense("dense", b.depthwise("time", x, 3), 2))
    return b.graph()


def _names(graph, wrong, right):
    by_name = {graph.tensors[index].name: index for index in graph.outputs}
    found = suspects(graph, by_name[wrong], [by_name[name] for name in right])
    return [graph.tensors[op.outputs[0]].name for op in found]


def test_suspects_nothing_known_are_all_layers_before_the_wrong_output():
    graph = _graph()
    early, late, scores = (graph.tensors[index].name for index in graph.outputs)
    assert _names(graph, early, []) == ["first"]
    assert _names(graph, late, []) == ["first", "second"]
    assert _names(graph, scores, []) == ["first", "second", "time", "dense"]


def test_suspects_right_state_before_clears_its_layers():
    graph = _graph()
    early, late, scores = (graph.tensors[index].name for index in graph.outputs)
    assert _names(graph, late, [early]) == ["second"]
    assert _names(graph, scores, [early, late]) == ["time", "dense"]


def test_suspects_right_state_behind_clears_nothing():
    graph = _graph()
    early, late, _ = (graph.tensors[index].name for index in graph.outputs)
    assert _names(graph, early, [late]) == ["first"]


def test_suspects_of_a_state_inside_is_the_operator_that_keeps_it():
    b = GraphBuilder(4)
    x = b.conv("first", b.input("features", (1, 1, 1, 8), 1 / 16), 4)
    x = b.svdf("memory", b.reshape("flat", b.state("early", 2, x), (1, 8)), 6, 5)
    b.scores(b.dense("dense", x, 2))
    graph = b.graph()
    early, kept, scores = (graph.tensors[index].name for index in graph.outputs)
    assert _names(graph, kept, [early]) == ["memory"]
    assert _names(graph, kept, []) == ["first", "memory"]
    assert _names(graph, scores, [early, kept]) == ["dense"]
