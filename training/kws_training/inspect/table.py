"""A described model as a table of text."""

from collections.abc import Callable, Sequence

from kws_training.inspect.description import Description, Layer

_FLOAT_BYTES = 4


def table(description: Description) -> str:
    """The description as text: a headline, a row for each layer, totals, and what follows from them."""
    columns, total = _COLUMNS[description.form], _TOTALS[description.form]
    lines = [[title for title, _ in columns]]
    lines += [[cell(description, layer) for _, cell in columns] for layer in description.layers]
    lines.append(total(description))
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    left = [title in _LEFT for title, _ in columns]

    def text(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(cells, widths, left, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "-" * len(text(["-" * width for width in widths]))
    body = [text(line) for line in lines]
    return "\n".join(
        [_headline(description), "", body[0], rule, *body[1:-1], rule, body[-1], "", *_footer(description)]
    )


def _headline(description: Description) -> str:
    shape = dimensions(description.input)
    if description.form == "batch":
        return f"{description.name}: one clip of {shape} features ({description.run_ms:,.0f} ms)"
    return f"{description.name}: one step of {shape} features ({description.run_ms:.0f} ms)"


def _footer(description: Description) -> list[str]:
    rate = f"{description.macs_per_second / 1e6:,.2f} million MACs per second of audio"
    if description.form == "batch":
        return [f"{rate}, if every second is computed once.", f"It does not stream: {description.reason}"]
    delay, unheard = (n * description.hop_ms for n in (description.delay_frames, description.unheard_frames))
    parts = f"step {description.run_ms:.0f} ms, delay {delay:.0f} ms"
    if unheard:
        parts += f", newest frames not heard {unheard:.0f} ms"
    lines = [f"{rate}.", f"Algorithmic latency {description.latency_ms:.0f} ms: {parts}."]
    receptive = description.receptive_frames
    if receptive is not None:
        lines.append(f"The output depends on {receptive} frames: {description.frames_ms(receptive):,.0f} ms of audio.")
    if description.model_bytes is not None:
        lines.append(f"The .tflite has {description.model_bytes:,} bytes.")
    return lines


def dimensions(shape: Sequence[int]) -> str:
    """``2 x 40``."""
    return " x ".join(map(str, shape))


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _receptive(description: Description, layer: Layer) -> str:
    frames = layer.receptive_frames
    return "-" if frames is None else f"{frames} / {description.frames_ms(frames):,.0f}"


def _states(layer: Layer) -> str:
    return ", ".join(f"{name} {dimensions(shape)}" for name, shape in layer.states.items())


_LEFT = ("Layer", "Operator", "Kind", "Output", "State")
_NAME = ("Layer", lambda d, layer: layer.name)
_KIND = ("Kind", lambda d, layer: layer.kind)
_OUTPUT = ("Output", lambda d, layer: dimensions(layer.output))
_PARAMETERS = ("Parameters", lambda d, layer: _number(layer.parameters))
_MACS = ("MACs", lambda d, layer: _number(layer.macs))
_COLUMNS: dict[str, list[tuple[str, Callable[[Description, Layer], str]]]] = {
    "streaming": [
        _NAME,
        _KIND,
        _OUTPUT,
        _PARAMETERS,
        _MACS,
        ("State int8 B", lambda d, layer: _number(layer.state_bytes)),
        ("float B", lambda d, layer: _number(_FLOAT_BYTES * layer.state_bytes)),
        ("Sees frames / ms", _receptive),
        ("Delay ms", lambda d, layer: _number(round(layer.delay_frames * d.hop_ms))),
    ],
    "batch": [_NAME, _KIND, _OUTPUT, _PARAMETERS, _MACS],
    "bundle": [
        ("Operator", lambda d, layer: layer.name.split()[0].rjust(3) + " " + layer.kind),
        _OUTPUT,
        _PARAMETERS,
        ("Weight B", lambda d, layer: _number(layer.weight_bytes or 0)),
        _MACS,
        ("State B", lambda d, layer: _number(layer.state_bytes)),
        ("State", lambda d, layer: _states(layer)),
    ],
}
_TOTALS: dict[str, Callable[[Description], list[str]]] = {
    "streaming": lambda d: [
        *("total", "", "", _number(d.parameters), _number(d.macs)),
        *(_number(d.state_elements), _number(_FLOAT_BYTES * d.state_elements), "", ""),
    ],
    "batch": lambda d: ["total", "", "", _number(d.parameters), _number(d.macs)],
    "bundle": lambda d: [
        *("total", "", _number(d.parameters), _number(sum(layer.weight_bytes or 0 for layer in d.layers))),
        *(_number(d.macs), _number(sum(layer.state_bytes for layer in d.layers)), ""),
    ],
}
