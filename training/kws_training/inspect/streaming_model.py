"""Describes a streaming model."""

from kws_reference.frontend.config import FrontendConfig

from kws_training.inspect.description import INPUT, Description, Layer, size, times
from kws_training.streaming import StreamingModel
from kws_training.streaming.model import VALID


def describe_streaming(name: str, model: StreamingModel, frontend: FrontendConfig) -> Description:
    """Describes a float streaming model; state bytes are counted for int8, one for each element."""
    made_by = {0: INPUT} | {node.output: node.name for node in model.nodes}
    rows = [
        Layer(
            name=row.name,
            kind=row.kind,
            inputs=tuple(made_by[number] for number in node.inputs),
            output=row.output,
            parameters=row.parameters,
            macs=row.macs,
            states=row.states,
            state_bytes=sum(map(size, row.states.values())),
            receptive_frames=row.receptive_frames,
            delay_frames=row.delay_frames,
        )
        for row, node in zip(model.rows(), model.nodes, strict=True)
    ]
    if VALID in model.state_specs:
        shape = model.state_specs[VALID].shape
        flags = (model.frames_per_step,)
        rows.insert(0, Layer(VALID, "flags of the clip", (), flags, states={VALID: shape}, state_bytes=size(shape)))
    used = {source for row in rows for source in row.inputs}
    return Description(
        name,
        "streaming",
        (model.frames_per_step, *model.input_shape[2:]),
        tuple(rows),
        tuple(row.name for row in rows if row.name not in used and row.inputs),
        *times(frontend),
        delay_frames=model.delay_frames,
        unheard_frames=model.unheard_frames,
    )
