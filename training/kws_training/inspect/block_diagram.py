"""The boxes of a described model's block diagram, and the edges between them.

Functions that work on each number by itself (ReLU, ...) are written into the box before them.
"""

import dataclasses

from kws_training.inspect.description import INPUT, Description, Layer


@dataclasses.dataclass(eq=False)
class Box:
    """A layer in the diagram.

    Attributes:
      layer: what it is of.
      sources: the boxes that its inputs come from.
      extras: kinds of the layers that were written into it.
      row, lane: its place (`kws_training.inspect.diagram_layout.place`).
    """

    layer: Layer
    sources: list["Box"]
    extras: list[str]
    row: int = 0
    lane: int = 0


@dataclasses.dataclass(eq=False)
class Edge:
    """From a box to one that takes its output; ``lane`` is its place where it passes beside other boxes."""

    source: Box
    target: Box
    lane: int = 0


def boxes_of(description: Description) -> list[Box]:
    """The input's box, then those of the layers that lead to an output, in their order."""
    wanted, stack = set(), list(description.outputs)
    by_name = {layer.name: layer for layer in description.layers}
    while stack:  # not what only writes the next state: the ring stands for it
        name = stack.pop()
        if name != INPUT and name not in wanted:
            wanted.add(name)
            stack += by_name[name].inputs
    shown = [layer for layer in description.layers if layer.name in wanted]
    uses: dict[str, int] = {}
    for name in (*description.outputs, *(source for layer in shown for source in layer.inputs)):
        uses[name] = uses.get(name, 0) + 1
    first = Box(Layer(INPUT, "input", (), description.input), [], [])
    box_of, boxes = {INPUT: first}, [first]
    for layer in shown:
        before = box_of[layer.inputs[0]] if len(layer.inputs) == 1 else None
        if before and before is not first and _is_pointwise(layer, before) and uses[layer.inputs[0]] == 1:
            before.extras.append(layer.kind)
            box_of[layer.name] = before
            continue
        box_of[layer.name] = Box(layer, [box_of[name] for name in layer.inputs], [])
        boxes.append(box_of[layer.name])
    return boxes


def _is_pointwise(layer: Layer, before: Box) -> bool:
    earlier = before.layer
    same_time = (layer.receptive_frames, layer.delay_frames) == (earlier.receptive_frames, earlier.delay_frames)
    quiet = not (layer.macs or layer.parameters or layer.states)
    return quiet and same_time and layer.output == earlier.output and "POOL" not in layer.kind.upper()


def edges_of(boxes: list[Box]) -> list[Edge]:
    """An edge for each source of each box."""
    return [Edge(source, box) for box in boxes for source in box.sources]
