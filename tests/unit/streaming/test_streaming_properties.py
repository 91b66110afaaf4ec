"""Random stacks of streaming layers, from a fixed seed: streaming and batch never differ.

``KWS_STACKS=5000 pytest tests/unit/streaming/test_streaming_properties.py`` draws other stacks, and more of them.
"""

import math
from fractions import Fraction

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from hypothesis import given, note  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from keras import layers, ops  # noqa: E402
from kws_training.streaming import Delay, LocalSelfAttention, Stream, to_streaming  # noqa: E402

from tests.support.random_stacks import random_stacks  # noqa: E402
from tests.support.streaming import assert_close, calls, clips_for, randomize  # noqa: E402

STACKS = random_stacks(40)
CHANNELS = 4
DRAWS = {
    "kernel": st.integers(1, 6),
    "dilation": st.integers(1, 4),
    "stride": st.integers(1, 3),
    "upsampling": st.integers(1, 3),
    "units": st.integers(1, 5),
}


class Stack:
    """Draws layers one behind the other and keeps what the right connection of branches needs to know.

    Attributes:
      period: input frames for each frame here: 2 behind a stride of 2, 1/2 behind an upsampling by 2.
      step: a step must have a multiple of so many input frames.
      delay: frames by which streaming lags here.
    """

    def __init__(self, data: st.DataObject):
        self.data, self.period, self.step, self.delay = data, Fraction(1), 1, 0

    def draw(self, what: str) -> int:
        return self.data.draw(DRAWS[what], what)

    def flag(self, what: str) -> bool:
        return self.data.draw(st.booleans(), what)

    def drawn_stride(self) -> int:
        """A stride that leaves steps short."""
        stride = self.draw("stride")
        return stride if math.lcm(self.step, (self.period * stride).numerator) <= 12 else 1

    def stride(self, stride: int, lookahead: int) -> None:
        """Behind a layer with a stride."""
        self.delay = -(-(self.delay + lookahead) // stride)
        self.period *= stride
        self.step = math.lcm(self.step, self.period.numerator)

    def lookahead(self, context: int, stride: int = 1) -> int:
        """Frames to look ahead: none, half or all of the context; or a stride's newest left out."""
        several = {0, context // 2, context - context // 2, context, 1 - stride}
        return self.data.draw(st.sampled_from(sorted(several)), "lookahead")

    def padded(self, make, context: int, stride: int, paddings: tuple[str, ...]):
        """A cell with some padding, in Stream, and its lookahead."""
        padding = self.data.draw(st.sampled_from(paddings), "padding")
        cell = make(padding)
        if padding == "same" and stride == 1 and self.flag("as Keras"):
            return Stream(cell), context - context // 2
        lookahead = self.lookahead(context, stride)
        return Stream(cell, lookahead=lookahead), lookahead

    def normal(self, x):
        """What stands behind a layer: nothing, a normalisation, an activation; never zero for zeros."""
        kind = self.data.draw(
            st.sampled_from(("", "norm", "norm relu", "layer norm", "tanh", "dense", "function")), "behind"
        )
        if "norm" in kind:
            x = layers.LayerNormalization(epsilon=1.0)(x) if kind == "layer norm" else layers.BatchNormalization()(x)
        if "relu" in kind:
            x = layers.ReLU()(x)
        if kind == "tanh":
            x = layers.Activation("tanh")(x)
        if kind == "dense":
            x = layers.BatchNormalization()(layers.Dense(CHANNELS)(layers.Dropout(0.1)(x)))
        if kind == "function":
            x = ops.sigmoid(x) + 0.3 * x - 0.1
        return x

    def convolution(self, x, stride: int = 1):
        """1-D, or 2-D over pairs of channels, of any kind; keeps the number of channels."""
        kernel, context = self.draw("kernel"), 0
        dilation = self.draw("dilation") if stride == 1 else 1
        context = (kernel - 1) * dilation
        use_bias, activation = self.flag("bias"), self.data.draw(st.sampled_from((None, None, "relu", "tanh")), "act")
        more = {"strides": stride, "dilation_rate": dilation, "use_bias": use_bias, "activation": activation}
        kind = self.data.draw(
            st.sampled_from(("full", "depthwise", "separable", "grouped", "2d", "depthwise 2d")), "kind"
        )
        all_paddings = ("valid", "causal", "same")
        if "2d" in kind:
            bins = self.data.draw(st.integers(1, 3), "bins")
            depthwise = kind != "2d"
            more["strides"] = (stride, stride if depthwise else 1)  # TensorFlow's depthwise strides are square
            more["dilation_rate"] = (dilation, dilation if depthwise else 1)

            def make(padding):
                if depthwise:
                    return layers.DepthwiseConv2D((kernel, bins), padding=padding, depth_multiplier=2, **more)
                return layers.Conv2D(3, (kernel, bins), padding=padding, **more)

            x = layers.Reshape((-1, CHANNELS, 1))(x)
            layer, lookahead = self.padded(make, context, stride, ("same",))
            x = layer(x)
            x = layers.Dense(CHANNELS)(layers.Reshape((-1, x.shape[2] * x.shape[3]))(x))
        else:

            def make(padding):
                if kind == "depthwise":
                    return layers.DepthwiseConv1D(kernel, padding=padding, **more)
                if kind == "separable":
                    return layers.SeparableConv1D(CHANNELS, kernel, padding=padding, **more)
                return layers.Conv1D(CHANNELS, kernel, padding=padding, groups=1 + (kind == "grouped"), **more)

            layer, lookahead = self.padded(
                make, context, stride, all_paddings[:: 2 if kind in ("depthwise", "separable") else 1]
            )
            x = layer(x)
        self.stride(stride, lookahead)
        return x

    def strided(self, x):
        return self.convolution(x, self.drawn_stride())

    def pooling(self, x):
        size, stride = self.draw("kernel"), self.drawn_stride()
        kind = self.data.draw(st.sampled_from((layers.AveragePooling1D, layers.MaxPooling1D)), "pooling")
        layer, lookahead = self.padded(
            lambda padding: kind(size, stride, padding=padding), size - 1, stride, ("valid", "same")
        )
        self.stride(stride, lookahead)
        return layer(x)

    def upsample(self, x):
        kernel, factor = self.draw("kernel"), self.draw("upsampling") if self.period > Fraction(1, 3) else 1
        spill = max(kernel - factor, 0)
        padding = self.data.draw(st.sampled_from(("valid", "same")), "padding")
        lookahead = spill // 2 if padding == "same" else 0
        arguments = {}
        if self.flag("give lookahead"):
            lookahead = arguments["lookahead"] = self.lookahead(spill)
        if self.flag("2d"):
            cell = layers.Conv2DTranspose(2, (kernel, 3), (factor, 1), padding=padding, use_bias=self.flag("bias"))
            x = Stream(cell, **arguments)(layers.Reshape((-1, CHANNELS, 1))(x))
            x = layers.Dense(CHANNELS)(layers.Reshape((-1, x.shape[2] * x.shape[3]))(x))
        else:
            cell = layers.Conv1DTranspose(CHANNELS, kernel, factor, padding=padding, use_bias=self.flag("bias"))
            x = Stream(cell, **arguments)(x)
        self.delay = self.delay * factor + lookahead
        self.period /= factor
        return x

    def recurrent(self, x):
        kind = self.data.draw(st.sampled_from((layers.GRU, layers.LSTM, layers.SimpleRNN)), "recurrent")
        return Stream(kind(CHANNELS, return_sequences=True))(x)

    def attention(self, x):
        return LocalSelfAttention(CHANNELS, self.draw("kernel"), heads=1 + self.flag("heads"))(x)

    def wait(self, x):
        frames = self.data.draw(st.integers(0, 3), "wait")
        self.delay += frames
        return Delay(frames)(x)

    def residual(self, x):
        """Two branches of layers that keep the rate, and the Delay that the faster one needs."""
        before = self.delay
        long = self.normal(self.convolution(self.convolution(x) if self.flag("deep") else x))
        late, self.delay = self.delay, before
        short = self.convolution(x) if self.flag("both") else x
        if self.delay < late:
            short = Delay(late - self.delay)(short)
        elif late < self.delay:
            long = Delay(self.delay - late)(long)
        self.delay = max(self.delay, late)
        kind = self.data.draw(st.sampled_from(("add", "multiply", "join", "function")), "merge")
        if kind == "join":
            return layers.Dense(CHANNELS)(layers.Concatenate()([short, long]))
        if kind == "function":
            return ops.maximum(short, long)
        return (layers.Add() if kind == "add" else layers.Multiply())([layers.Activation("tanh")(short), long])

    def shared(self, x):
        """A layer, or a small model, called twice."""
        kernel = self.draw("kernel")
        same = self.flag("same")
        layer = Stream(layers.Conv1D(CHANNELS, kernel, padding="same" if same else "causal"))
        if self.flag("nested"):
            layer = keras.Sequential([keras.Input((None, CHANNELS)), layer, layers.BatchNormalization(), layers.ReLU()])
        self.delay += 2 * (kernel - 1 - (kernel - 1) // 2) if same else 0
        return layer(layers.Activation("tanh")(layer(x)))

    def end(self, x, frames: int):
        """Ends time, or not. `frames`: here in a step."""
        kind = self.data.draw(st.sampled_from(("frames", "flatten", "mean", "max", "gru", "lstm")), "end")
        if kind == "frames":
            return x
        if kind in ("gru", "lstm"):
            return layers.Dense(3)(Stream((layers.GRU if kind == "gru" else layers.LSTM)(3))(x))
        window = frames * self.data.draw(st.integers(1, 4), "window") + self.data.draw(st.integers(0, 2), "and")
        cell = {
            "flatten": layers.Flatten,
            "mean": layers.GlobalAveragePooling1D,
            "max": layers.GlobalMaxPooling1D,
        }[kind]()
        return layers.Dense(3)(layers.BatchNormalization()(Stream(cell, window=window)(x)))


LAYERS = (
    *("convolution", "convolution", "strided", "pooling", "upsample"),
    *("recurrent", "attention", "wait", "residual", "residual", "shared"),
)


@STACKS
@given(st.data())
def test_random_stack_streams_as_batch(data):
    keras.backend.clear_session(free_memory=False)
    stack = Stack(data)
    inputs = x = keras.Input((None, CHANNELS))
    for name in data.draw(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=5), "layers"):
        x = stack.normal(getattr(stack, name)(x))
    step = stack.step * data.draw(st.integers(1, 3), "frames in a step")
    outputs = [stack.end(x, int(step / stack.period))]
    if data.draw(st.booleans(), "several outputs"):
        outputs += [x, inputs]
    model = randomize(keras.Model(inputs, outputs), data.draw(st.integers(0, 1000), "seed"))
    length = step * data.draw(st.integers(1, 5), "steps")
    note(f"{step} frames per step, {length} frames, lags {stack.delay}")
    clips = clips_for(model, length)
    wanted = model(clips, training=False)
    streaming = to_streaming(model, step)
    assert_close(streaming.stream(clips), wanted)
    if data.draw(st.integers(0, 3), "several steps in a call") == 3:
        features = clips_for(model, 4 * step, batch=1)
        single, _ = calls(streaming, features)
        several, _ = calls(streaming, features, steps=2)
        for number in range(len(outputs)):
            one, other = (
                np.concatenate([rows[number] for rows in each], 1 if several[0][number].ndim > 2 else 0)
                for each in (single, several)
            )
            assert_close(other, one)
