"""A model of somebody's own: a file and a function in it, and what is refused before anything is read."""

import json
import textwrap

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_reference.errors import KwsError  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.train.weights import take_weights_in_order  # noqa: E402

HEAD = """
import keras
from keras import layers
from kws_training.streaming import Stream, Streaming, to_streaming

"""
GOOD = """
def build(labels, coefficients):
    features = keras.Input((None, coefficients))
    x = Stream(layers.Conv1D(6, 5, activation="relu"), name="conv")(features)
    x = Stream(layers.GlobalAveragePooling1D(), window=98, name="pool")(x)
    return keras.Model(features, layers.Dense(labels)(layers.Dense(4)(x)))
"""
SUBCLASSED = """
class Net(Streaming, keras.Model):
    ends_time = True

    def __init__(self, labels):
        super().__init__()
        self.conv = Stream(layers.Conv1D(6, 3, activation="relu"))
        self.last = Stream(layers.GRU(5))
        self.scores = layers.Dense(labels)

    def call(self, inputs):
        return self.scores(self.last(self.conv(inputs)))

    def stream_inference(self, inputs, states):
        new = {}
        x, new["conv"] = self.conv.stream_inference(inputs, states["conv"])
        x, new["last"] = self.last.stream_inference(x, states["last"])
        return self.scores(x), new


def build(labels, coefficients):
    return Net(labels)
"""


def write(folder, text, name="my_model.py"):
    """The name of a model in a file of this text."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(HEAD + textwrap.dedent(text))
    return f"{folder / name}:build"


@pytest.mark.parametrize("text", [GOOD, SUBCLASSED], ids=["functional", "subclassed"])
def test_own_model_that_streams_passes_and_makes_a_logit_for_each_label(text, tmp_path):
    kind = architecture(write(tmp_path, text))
    kind.check()
    assert kind.name == "my_model.py:build"
    assert kind.build(kind.config(5))(np.zeros((3, 98, 40), np.float32)).shape == (3, 5)


def test_own_config_through_json_is_the_same_and_another_file_is_refused(tmp_path):
    kind = architecture(write(tmp_path, GOOD))
    values = json.loads(json.dumps(kind.config(7).to_dict()))
    assert kind.config_from_dict(values) == kind.config(7)
    other = architecture(write(tmp_path, GOOD.replace("6", "8")))
    with pytest.raises(KwsError, match="my_model.py is not the file that the run was trained with"):
        other.config_from_dict(values)


def test_own_model_in_a_folder_is_the_file_there(tmp_path):
    name = write(tmp_path / "mine", GOOD)
    write(tmp_path / "run", GOOD.replace("6", "8"))
    assert architecture(name, tmp_path / "run").files == {"my_model.py": (tmp_path / "run/my_model.py").read_bytes()}


def test_own_model_says_its_frames_per_step(tmp_path):
    kind = architecture(write(tmp_path, "FRAMES_PER_STEP = 7\n" + GOOD))
    kind.check()
    assert kind.config(3).frames_per_step == 7


def test_own_weights_of_other_labels_are_those_whose_shape_depends_on_their_number(tmp_path):
    kind = architecture(write(tmp_path, GOOD))
    config = kind.config(3)
    places = kind.label_weights(config)
    first, second = kind.build(config), kind.build(config)
    assert [first.weights[place].shape for place in places] == [(4, 3), (3,)]
    take_weights_in_order(second, first, places)
    same = [np.array_equal(*pair) for pair in zip(first.get_weights(), second.get_weights(), strict=True)]
    assert same == [True, True, True, True, False, True]  # biases of zeros are alike


NO_CONV = "features = keras.Input((None, coefficients)); x = features"


def built(*lines):
    """A file whose function does this with its features `x`."""
    body = ["def build(labels, coefficients):", *("    " + line for line in (NO_CONV, *lines))]
    return "\n".join(body) + "\n"


POOLED = "x = Stream(layers.GlobalAveragePooling1D(), window=98)(x)"
RETURN = "return keras.Model(features, layers.Dense(labels)(x))"
CASES = {
    "no function": ("def other(labels): pass", r"^my_model.py:build: the file has no function build\(labels, coeff"),
    "no python": ("def build(:", r"^my_model.py:build: SyntaxError: .*line 6"),
    "raises": (built("raise ValueError('too\\nmuch')"), r"^my_model.py:build: line 8 raises ValueError: too\. "),
    "exits": ("raise SystemExit(3)", r"line 6 raises SystemExit: 3"),
    "no model": (built("return x"), r"must return a keras.Model. Received: KerasTensor"),
    "other labels": (built(POOLED, "return keras.Model(features, layers.Dense(9)(x))"), r"logits \[2, 3\].*\[2, 9\]"),
    "frames go on": (built(RETURN), r"logits \[2, 3\]. Received: \[2, 98, 3\]"),
    "two outputs": (built(POOLED, "return keras.Model(features, [x, x])"), r"logits \[2, 3\]. Received: list"),
    "other coefficients": (
        built("features = keras.Input((None, 7)); x = features", POOLED, RETURN),
        r"ValueError: .*7",
    ),
    "other frames": (
        built("features = keras.Input((49, 40))", "x = Stream(layers.Flatten())(features)", RETURN),
        r"ValueError: .*49",
    ),
    "does not stream": (
        built("x = layers.Conv1D(4, 3, name='late')(x)", POOLED, RETURN),
        r"^my_model.py:build: late \(Conv1D\) cannot stream: it mixes frames: wrap it in Stream",
    ),
    "refused by Stream": (
        built("x = Stream(layers.Bidirectional(layers.GRU(8), name='both'))(x)", RETURN),
        r"^my_model.py:build: both \(Bidirectional\) cannot stream",
    ),
    "looks ahead": (
        built("x = Stream(layers.Conv1D(4, 5, padding='same'))(x)", POOLED, RETURN),
        r"^my_model.py:build looks 2 frames ahead",
    ),
    "other step": (
        "FRAMES_PER_STEP = 4\n" + built("features = keras.Input((98, 40)); x = features", POOLED, RETURN),
        r"takes clips of 98 frames, no whole steps of 4",
    ),
    "no step": ("FRAMES_PER_STEP = 0\n" + built(POOLED, RETURN), r"FRAMES_PER_STEP must be an integer .*Received: 0"),
    "no weights": (
        built(POOLED, "return keras.Model(features, x[:, :labels])"),
        r"has no weights",
    ),
    "another each time": (
        "import itertools\nsizes = itertools.count(4)\n" + built("x = layers.Dense(next(sizes))(x)", POOLED, RETURN),
        r"builds another model at each call",
    ),
    "streams to other numbers": (
        SUBCLASSED.replace("return self.scores(x), new", "return 2 * self.scores(x), new"),
        r"gives other numbers frame by frame than for the whole clip",
    ),
}


@pytest.mark.parametrize("text, message", CASES.values(), ids=CASES.keys())
def test_own_model_that_cannot_be_used_is_refused_by_name(text, message, tmp_path):
    kind = architecture(write(tmp_path, text))
    with pytest.raises(KwsError, match=message) as error:
        kind.check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, message",
    [
        ("{folder}/none.py:build", r"none.py cannot be read \(No such file or directory\)"),
        ("{folder}/my_model.txt:build", "given as FILE.py:FUNCTION"),
        ("{folder}/my_model.py:", "given as FILE.py:FUNCTION"),
        ("{folder}/my_model.py", "no model is called .*or give FILE.py:FUNCTION"),
    ],
)
def test_own_model_of_no_such_file_is_refused_by_name(name, message, tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(KwsError, match=message):
        architecture(name.format(folder=tmp_path))
