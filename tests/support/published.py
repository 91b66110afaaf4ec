"""Networks of the field in their published shapes, with random weights: what other people's models are made of."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
from kws_codegen.adopt import manifest
from kws_codegen.adopt.adoption import adopt
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.frontend.config import FrontendConfig

from tests.support.int16 import int16
from tests.support.models import STEPS_PER_STD, GraphBuilder, streaming_wake_word
from tests.support.tflite_writer import write


def ds_cnn(seed: int = 50) -> GraphBuilder:
    """MLPerf Tiny's keyword spotting: 49 x 10 MFCC, SAME padding, strides, a softmax.

    Source: the shapes of Y. Zhang et al., "Hello Edge", arXiv:1711.07128, as mlcommons/tiny trains them.
    """
    b = GraphBuilder(seed)
    x = b.reshape("image", b.input("features", (1, 49, 1, 10), 1 / STEPS_PER_STD), (1, 49, 10, 1))
    x = _finer(b, b.plane("first", x, (10, 4), outputs=64, stride=(2, 2), activation="RELU"))
    for number in range(1, 5):
        x = _finer(b, b.plane(f"depthwise{number}", x, (3, 3), activation="RELU"))
        x = _finer(b, b.plane(f"pointwise{number}", x, (1, 1), outputs=64, activation="RELU"))
    x = b.pool("AVERAGE_POOL_2D", "average", x, (25, 5), (25, 5), "VALID")
    b.scores(b.softmax("softmax", _in_units(b, b.dense("dense", b.reshape("flat", x, (1, 64)), 12), 1 / 60)))
    return b


def micro_speech(seed: int = 51) -> GraphBuilder:
    """TensorFlow's micro_speech (tiny_conv): one convolution over 49 frames of 40 channels, and a dense layer."""
    b = GraphBuilder(seed)
    x = b.reshape("image", b.input("features", (1, 49, 1, 40), 1 / STEPS_PER_STD), (1, 49, 40, 1))
    x = _finer(b, b.plane("conv", x, (10, 8), multiplier=8, stride=(2, 2), activation="RELU"))
    size = b.tensors[x].size
    b.scores(b.softmax("softmax", _in_units(b, b.dense("dense", b.reshape("flat", x, (1, size)), 4), 1 / 60)))
    return b


def tc_resnet(seed: int = 52) -> GraphBuilder:
    """TC-ResNet8: frames as rows, coefficients as channels, residual blocks with strides along time.

    Source: S. Choi et al., "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices", arXiv:1904.03814.
    """
    b = GraphBuilder(seed)
    x = b.input("features", (1, 98, 1, 40), 1 / STEPS_PER_STD)
    x = _finer(b, b.plane("first", x, (3, 1), outputs=16))
    for number, channels in enumerate((24, 32, 48), 1):
        y = _finer(b, b.plane(f"a{number}", x, (9, 1), outputs=channels, stride=(2, 1), activation="RELU"))
        y = b.plane(f"b{number}", y, (9, 1), outputs=channels)
        skip = b.plane(f"skip{number}", x, (1, 1), outputs=channels, stride=(2, 1), activation="RELU")
        x = b.add(f"add{number}", y, skip)
    x = b.reduced("MEAN", "mean", x, [1, 2], keep=False)
    b.scores(b.dense("dense", x, 12))
    return b


def bc_resnet(seed: int = 53) -> GraphBuilder:
    """BC-ResNet-1 in small: two-dimensional and one-dimensional branches, a mean over frequency that is added back.

    Source: B. Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting", arXiv:2106.04140.
    """
    b = GraphBuilder(seed)
    x = b.reshape("image", b.input("features", (1, 50, 1, 40), 1 / STEPS_PER_STD), (1, 50, 40, 1))
    x = _finer(b, b.plane("first", x, (5, 5), outputs=16, stride=(1, 2), activation="RELU"))
    for number, (channels, stride, dilation) in enumerate(((8, 1, 1), (12, 2, 2), (16, 2, 4)), 1):
        y = b.plane(f"channels{number}", x, (1, 1), outputs=channels, activation="RELU")
        y = b.plane(f"frequency{number}", y, (1, 3), stride=(stride, stride))
        rows = b.tensors[y].shape[1]
        z = b.reduced("MEAN", f"mean{number}", y, [2], keep=True)
        z = b.plane(f"time{number}", z, (3, 1), dilation=(dilation, 1))
        z = b.function("HARD_SWISH", f"swish{number}", z, scale=b.tensors[z].scales[0])
        z = b.plane(f"mix{number}", z, (1, 1), outputs=channels)
        assert b.tensors[z].shape == (1, rows, 1, channels)
        x = b.binary("ADD", f"add{number}", y, z, 1.2 * b.tensors[y].scales[0], activation="RELU")
        b.tensors[x] = dataclasses.replace(b.tensors[x], zero_points=(-128,))
    x = b.plane("last", x, (5, 5), outputs=20)
    x = b.reduced("MEAN", "mean", x, [1, 2], keep=True)
    b.scores(b.dense("dense", b.reshape("flat", x, (1, 20)), 12))
    return b


def svdf(seed: int = 54) -> GraphBuilder:
    """Two SVDF layers as a streaming library writes them: a dense layer over features, a filter over 8 and 12 steps.

    Source: R. Alvarez, H.-J. Park, "End-to-end Streaming Keyword Spotting", arXiv:1812.02802.
    """
    b = GraphBuilder(seed)
    x = b.input("features", (1, 1, 1, 40), 1 / STEPS_PER_STD)
    for number, (units, steps) in enumerate(((64, 8), (48, 12)), 1):
        x = b.conv(f"feature{number}", x, units)
        x = b.depthwise(f"time{number}", b.state(f"memory{number}", steps - 1, x), steps, activation="RELU")
    b.scores(b.dense("dense", x, 12))
    return b


def gru(seed: int = 55) -> GraphBuilder:
    """A GRU cell of 32 units behind a convolution, its state in and out: z and r gates, a candidate, their mixture.

    Source: K. Cho et al., arXiv:1406.1078, in the form with the reset gate behind the product.
    """
    b, units = GraphBuilder(seed), 32
    x = b.conv("front", b.input("features", (1, 1, 1, 40), 1 / STEPS_PER_STD), 24, activation="RELU")
    old = b.old("hidden", (1, 1, 1, units), 1 / 128, 0)

    def gate(name: str, kind: str, x: int, h: int) -> int:
        total = b.add(
            f"{name}/sum", _fine(b, b.conv(f"{name}/x", x, units)), _fine(b, b.conv(f"{name}/h", h, units)), "NONE"
        )
        return b.function(kind, name, _fine(b, total))

    update, reset = gate("update", "LOGISTIC", x, old), gate("reset", "LOGISTIC", x, old)
    kept = b.binary("MUL", "kept", _fine(b, b.conv("candidate/h", old, units)), reset, 1 / 24, activation="NONE")
    total = b.add("candidate/sum", _fine(b, b.conv("candidate/x", x, units)), kept, "NONE")
    candidate = b.function("TANH", "candidate", _fine(b, total))
    change = b.binary("SUB", "change", old, candidate, 1 / 64, activation="NONE")
    part = b.binary("MUL", "part", change, update, 1 / 64, activation="NONE")
    new = b.tensor("hidden/new", (1, 1, 1, units), 1 / 128, 0)
    b.op("ADD", [candidate, part], new, activation="NONE")
    b.keep("hidden", old, new)
    b.scores(b.dense("dense", new, 12))
    return b


def svdf_inside(seed: int = 56) -> GraphBuilder:
    """kws_streaming's SVDF with its memory inside of the operators: six layers of 256 units, projections between them.

    Source: the model for 12 labels of O. Rybakov et al., "Streaming keyword spotting on mobile devices",
    arXiv:2005.06720.
    """
    b = GraphBuilder(seed)
    x = b.reshape("row", b.input("features", (1, 1, 1, 30), 1 / STEPS_PER_STD), (1, 30))
    for number, steps in enumerate((4, 10, 10, 10, 10, 10), 1):
        x = b.svdf(f"svdf{number}", x, 256, steps)
        if number < 6:
            x = _in_units(b, b.dense(f"projection{number}", x, 128), 1 / 24)
    b.scores(b.dense("dense", x, 12))
    return b


def lstm(seed: int = 57) -> GraphBuilder:
    """An LSTM of 64 units over each frame, which keeps its states itself, and a dense layer."""
    b = GraphBuilder(seed)
    x = b.reshape("frames", b.input("features", (1, 1, 1, 40), 1 / STEPS_PER_STD), (1, 1, 40))
    b.scores(b.dense("dense", b.reshape("flat", b.lstm("lstm", x, 64), (1, 64)), 12))
    return b


def _finer(b: GraphBuilder, x: int) -> int:
    """Half the scale, as a RELU leaves half of the range empty: else deep random networks fall silent."""
    return _fine(b, x, b.tensors[x].scales[0] / 2)


def _fine(b: GraphBuilder, x: int, scale: float = 1 / 24) -> int:
    """Another scale; the operator that writes it computes for it."""
    b.tensors[x] = dataclasses.replace(b.tensors[x], scales=(float(scale),))
    return x


def _in_units(b: GraphBuilder, x: int, scale: float) -> int:
    """The same integers with another scale: that of the layer's weights and bias changes with its result's."""
    ratio = scale / b.tensors[x].scales[0]
    for index in (*b.ops[-1].inputs[1:], x):
        old = b.tensors[index]
        scales = tuple(float(np.float32(value * ratio)) for value in old.scales)
        b.tensors[index] = dataclasses.replace(old, scales=scales)
    return x


@dataclasses.dataclass(frozen=True)
class Published:
    """A model as somebody would adopt it.

    Attributes:
      builder: makes it.
      coefficients: features of a frame.
      frames_per_step: frames that a step brings; None: as many as the model takes.
      streaming: computes what a step adds, not the whole window.
    """

    builder: Callable[[], GraphBuilder]
    coefficients: int = 40
    frames_per_step: int | None = None
    streaming: bool = False

    def bundle(self, folder: Path) -> Bundle:
        """Adopts the model into a bundle, with the kit's MFCC in front."""
        adopted = adopt(
            write(self.builder().as_converted()), self.coefficients, self.frames_per_step, streaming=self.streaming
        )
        labels = tuple(f"label{number}" for number in range(adopted.scores.shape[1]))
        frontend = FrontendConfig(coefficients=self.coefficients, feature_steps_per_std=1 / adopted.features.scale)
        step_s = frontend.clock(adopted.features.shape[1]).step_s
        whole = manifest.manifest(adopted, folder.name, labels, frontend.to_dict())
        return write_bundle(folder, adopted.model, {**whole, "detector": manifest.detector(labels, step_s, 0.8)})


PUBLISHED = {
    "ds_cnn": Published(ds_cnn, coefficients=10),
    "micro_speech": Published(micro_speech, frames_per_step=2),
    "tc_resnet": Published(tc_resnet, frames_per_step=2),
    "bc_resnet": Published(bc_resnet, frames_per_step=2),
    "svdf": Published(svdf),
    "gru": Published(gru),
    "svdf_inside": Published(svdf_inside, coefficients=30),
    "lstm": Published(lstm),
    "wake_word_recomputed": Published(streaming_wake_word, frames_per_step=1),
    "wake_word_streamed": Published(streaming_wake_word, frames_per_step=1, streaming=True),
    "gru_int16": Published(lambda: int16(gru())),
    "wake_word_int16": Published(lambda: int16(streaming_wake_word()), frames_per_step=1, streaming=True),
}
"""Models by name."""
