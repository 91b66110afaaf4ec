"""Pass 4: where activations lie that have a place of their own: the caller's, and the rows of windows."""

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph

from kws_codegen.buffers import StateBuffer, Window
from kws_codegen.lower.layout import Layout
from kws_codegen.lower.views import views_of
from kws_codegen.passes.pair_states import StatePair
from kws_codegen.places import Features, NewRows, Scores, StateRows


def lay_out(bundle: Bundle, graph: Graph, pairs: tuple[StatePair, ...], buffers: tuple[StateBuffer, ...]) -> Layout:
    """Places features, scores and the rows of windows; all other activations get scratch values when they are written.

    The producer of a window's new rows writes them where the window keeps them, unless they have a place already.
    """
    layout = Layout(graph, views_of(graph))
    layout.put(graph.inputs[bundle.features.index], Features())
    for index, (pair, buffer) in enumerate(zip(pairs, buffers, strict=True)):
        if not isinstance(buffer, Window):
            continue
        layout.put(pair.joined, StateRows(index))
        fresh = layout.root(pair.fresh)
        if fresh not in layout and graph.producer(fresh) is not None:
            layout.put(fresh, NewRows(index))
    scores = layout.root(graph.outputs[bundle.scores.index])
    if scores not in layout:
        layout.put(scores, Scores())
    return layout
