"""Where the boxes of a block diagram lie: rows from top to bottom, residual branches in lanes beside them.

A long model is cut into columns where all that crosses the cut comes from one box. Lengths are inches.
"""

from kws_training.inspect.block_diagram import Box, Edge

BOX, HEIGHT, PITCH = 2.15, 0.5, 0.74
RINGS = 1.15  # beside a box, for its states
GAP = 0.35
_ASPECT = 1.6  # of a screen
_WORTH = 0.9


def place(boxes: list[Box], edges: list[Edge]) -> None:
    """Rows by the longest way from the input; the longest way of all in lane 0, what passes beside it to its right."""
    for box in boxes:
        box.row = max((source.row + 1 for source in box.sources), default=0)
    trunk, box = set(), max(boxes, key=lambda item: item.row)
    while True:
        trunk.add(box)
        if not box.sources:
            break
        box = max(box.sources, key=lambda item: item.row)
    # A chain passes from one box of the trunk to another: a lone edge, or boxes behind one another.
    chains: list[tuple[int, int, list[Box], list[Edge]]] = []
    seen: set[Box] = set()
    for edge in edges:
        if edge.source in trunk and edge.target in trunk:
            if edge.target.row - edge.source.row > 1:
                chains.append((edge.source.row, edge.target.row, [], [edge]))
        elif edge.target not in trunk and edge.target not in seen:
            members, border = _chain(edge.target, edges, trunk)
            seen.update(members)
            rows = [box.row for item in border for box in (item.source, item.target)]
            chains.append((min(rows), max(rows), members, border))
    taken: list[tuple[int, int, int]] = []
    for first, last, members, border in sorted(chains, key=lambda chain: (chain[1] - chain[0], chain[0])):
        lane = 1
        while any(lane == other and first < end and start < last for start, end, other in taken):
            lane += 1
        taken.append((first, last, lane))
        for item in (*members, *border):
            item.lane = lane


def _chain(start: Box, edges: list[Edge], trunk: set[Box]) -> tuple[list[Box], list[Edge]]:
    """The boxes behind one another from here to the trunk, and all edges at them."""
    members, box = [start], start
    while True:
        behind = [edge.target for edge in edges if edge.source is box]
        if len(behind) != 1 or behind[0] in trunk or len(behind[0].sources) != 1:
            break
        box = behind[0]
        members.append(box)
    return members, [edge for edge in edges if edge.source in members or edge.target in members]


def columns_of(boxes: list[Box], edges: list[Edge]) -> list[int]:
    """First row of each column: those that make the picture largest on a screen; a further one must be worth it."""
    rows = max(box.row for box in boxes) + 1
    borders = [0, *_cuts(rows, edges), rows]
    best, smallest = [0], float("inf")
    for height in range(rows, 0, -1):
        starts = [0]
        while starts[-1] + height < rows:
            fitting = [border for border in borders if starts[-1] < border <= starts[-1] + height]
            if not fitting:
                return best
            starts.append(fitting[-1])
        width = sum(column_width(boxes, edges, *part) for part in parts_of(starts, rows))
        size = max(width / _ASPECT, (height + 1) * PITCH)
        if size < smallest * (1 if len(starts) == len(best) else _WORTH):
            best, smallest = starts, size
    return best


def _cuts(rows: int, edges: list[Edge]) -> list[int]:
    """Rows before which all that comes from above comes from one box."""
    above = {row: {e.source for e in edges if e.source.row < row <= e.target.row} for row in range(1, rows)}
    return [row for row, sources in above.items() if len(sources) == 1]


def parts_of(starts: list[int], rows: int) -> list[tuple[int, int]]:
    """First row of each column, and the row behind its last one."""
    return list(zip(starts, [*starts[1:], rows], strict=True))


def lane_places(boxes: list[Box], edges: list[Edge]) -> tuple[dict[int, float], dict[int, float]]:
    """Middle and right end of each lane, from the middle of lane 0."""
    lanes = 1 + max(item.lane for item in (*boxes, *edges))
    middle, right = {0: 0.0}, {0: BOX / 2}
    for lane in range(1, lanes):
        here = [box for box in boxes if box.lane == lane]
        middle[lane] = right[lane - 1] + GAP + (BOX / 2 if here else 0)
        right[lane] = middle[lane] + (BOX / 2 if here else 0) + (RINGS if any(b.layer.states for b in here) else 0)
    return middle, right


def ring_width(boxes: list[Box]) -> float:
    """Room for states on the left of lane 0."""
    return RINGS if any(box.layer.states and not box.lane for box in boxes) else 0.0


def column_width(boxes: list[Box], edges: list[Edge], first: int, end: int) -> float:
    """Width of a column of the rows ``first`` to ``end``, exclusive."""
    inside = [box.lane for box in boxes if first <= box.row < end]
    inside += [edge.lane for edge in edges if first <= edge.target.row < end]
    return ring_width(boxes) + BOX / 2 + lane_places(boxes, edges)[1][max(inside)] + 2 * GAP
