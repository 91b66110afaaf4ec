"""Other people's models become bundles: variables, ends, windows; what cannot is refused in one line."""

import dataclasses
import json
import re
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen.adopt.adoption import adopt
from kws_codegen.adopt.manifest import detector, manifest, wake_word_detector
from kws_codegen.adopt.proof import prove
from kws_codegen.cli import main
from kws_codegen.options import Options
from kws_codegen.survey import survey
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.detector.integer import Detector, DetectorTables, exp_table, probability_table
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.network import interpreter
from kws_reference.network.oracle import Network
from tflite_micro import runtime

from tests.support import engines, wake_words
from tests.support.models import (
    STEPS_PER_STD,
    UNUSUAL,
    GraphBuilder,
    matchbox,
    replace_op,
    replace_tensor,
    streaming_wake_word,
)
from tests.support.resource_variables import with_variables
from tests.support.tflite_writer import write
from tests.support.whole_windows import dense_rows, sliced


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Bundle:
    return matchbox(labels=5).write(tmp_path_factory.mktemp("small"))


def test_adopt_variables_become_states_with_their_names_and_first_values(small):
    adopted = adopt(with_variables(small), coefficients=8)
    assert [(s.name, s.input.shape, s.reset_value) for s in adopted.states] == [
        (s.name, s.shape, s.reset_value) for s in small.states
    ]
    assert adopted.features.shape == small.features.shape and adopted.scores.shape == (1, 5)
    assert not adopted.is_probability
    assert adopted.notes == ("output: UINT8 'unsigned' and its QUANTIZE left out",)


def test_adopt_model_with_variables_gives_the_scores_of_its_states(small, tmp_path):
    model = with_variables(small)
    path, frontend = tmp_path / "theirs.tflite", tmp_path / "frontend.json"
    path.write_bytes(model)
    frontend.write_text(json.dumps({**small.frontend.to_dict()}))
    out = tmp_path / "bundle"
    options = ["--labels", "a,b,c,d,_unknown_", "--frontend", str(frontend), "--out", str(out)]
    assert main(["adopt", str(path), *options]) == 0
    bundle = Bundle.load(out)
    features = engines.random_features(small, 60)
    ours, theirs = Network(small), Network(bundle)
    for values in features:
        assert np.array_equal(ours.step(values), theirs.step(values))
    assert bundle.detector.threshold_q15 == (*[26215] * 4, 32768)


def test_prove_finds_a_first_value_that_is_another(small):
    model = with_variables(small)
    adopted = adopt(model, coefficients=8)
    changed = dataclasses.replace(adopted.states[0], reset_value=50)
    with pytest.raises(KwsError, match="the adopted model gives .* in step 2, the original"):
        prove(model, dataclasses.replace(adopted, states=(changed, *adopted.states[1:])))


def test_adopt_variable_that_starts_with_different_values_is_refused(small):
    first = np.arange(4 * 8).astype(np.int8)
    with pytest.raises(KwsError, match="variable model/block1/states starts with different values, 0 to 31"):
        adopt(with_variables(small, first={"block1": first}), coefficients=8)


def test_adopt_input_that_holds_no_whole_frames_is_refused(small):
    with pytest.raises(KwsError, match=r"the input \[1, 2, 1, 8\] holds no whole frames of 7 features"):
        adopt(with_variables(small), coefficients=7)


def test_adopt_of_something_else_is_refused(tmp_path, capsys):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"something else")
    assert main(["adopt", str(path), "--labels", "a", "--frontend", "mfcc", "--out", str(tmp_path / "b")]) == 2
    assert capsys.readouterr().err == "error: the model is no .tflite: it does not say TFL3 in its bytes 4 to 7.\n"
    assert main(["inspect", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- States inside of operators --------------------------------------------------------------------------------------


def adopted_inside(name):
    """A model with its states inside, as converters write it, and the adopted one."""
    model = write(UNUSUAL[name]().as_converted())
    return model, adopt(model, coefficients=10)


def test_adopt_states_inside_are_named_after_their_operators():
    _, adopted = adopted_inside("memories")
    named = [(s.name, s.input.shape, s.dtype, s.reset_value) for s in adopted.states]
    assert named[:4] == [
        ("wide_memory", (1, 231), "int16", 0),
        ("first_memory", (1, 96), "int16", 0),
        ("of_three_memory", (1, 105), "int16", 0),
        ("bytes_memory", (1, 108), "int8", -9),
    ]
    _, adopted = adopted_inside("gates")
    assert [(s.name, s.dtype, s.reset_value) for s in adopted.states][:2] == [
        ("first_hidden", "int8", -3),
        ("first_cell", "int16", 0),
    ]


@pytest.mark.parametrize("name", ["memories", "gates"])
def test_adopted_states_inside_are_those_of_the_original_after_every_reset(name, tmp_path):
    model, adopted = adopted_inside(name)
    assert prove(model, adopted).different > 30
    bundle = write_bundle(
        tmp_path / "bundle",
        adopted.model,
        {
            **manifest(adopted, name, tuple("abcde"), FrontendConfig(coefficients=10).to_dict()),
            "detector": detector(tuple("abcde"), 0.02),
        },
    )
    ours, theirs = Network(bundle), runtime.Interpreter.from_bytes(model)
    for step, values in enumerate(engines.random_features(bundle, 60)):
        if step % 20 == 0:
            ours.reset()
            theirs.reset()
        theirs.set_input(values.reshape(bundle.features.shape), 0)
        theirs.invoke()
        assert np.array_equal(ours.step(values), theirs.get_output(0)[0])


def test_adopt_state_of_two_operators_is_refused():
    graph = UNUSUAL["memories"]().as_converted()
    first, second = [op for op in graph.ops if op.kind == "SVDF"][:2]
    ops = [
        dataclasses.replace(op, inputs=(*op.inputs[:4], first.inputs[4])) if op is second else op for op in graph.ops
    ]
    with pytest.raises(KwsError, match="SVDF of 'wide': its state 'wide/memory' is used by more than that operator"):
        adopt(write(dataclasses.replace(graph, ops=tuple(ops))), coefficients=10)


def test_adopt_float_state_inside_is_refused():
    graph = replace_tensor(UNUSUAL["gates"]().as_converted(), "first/cell", dtype="FLOAT32")
    with pytest.raises(KwsError, match="its state 'first/cell' has type FLOAT32, only INT8 and INT16"):
        adopt(write(graph), coefficients=10)


def test_adopt_state_inside_whose_zero_point_is_not_int8_is_refused():
    """A mutation found it: `inspect` ended in a traceback."""
    graph = replace_tensor(UNUSUAL["gates"]().as_converted(), "first/hidden", zero_points=(-137,))
    with pytest.raises(KwsError, match="state first_hidden starts with -137, which is not int8"):
        adopt(write(graph), coefficients=10)


@pytest.mark.parametrize("rank", [0, -1])
def test_adopt_svdf_of_a_rank_that_ends_the_interpreter_is_refused(rank):
    graph = replace_op(UNUSUAL["memories"]().as_converted(), "wide", options={"rank": rank})
    with pytest.raises(KwsError, match=f"operator 1 .SVDF 'wide'. has rank {rank}, it must be 1 or more"):
        adopt(write(graph), coefficients=10)


def test_inspect_model_with_states_inside_counts_their_bytes_and_multiplications():
    facts = survey(write(UNUSUAL["gates"]().as_converted()), Options())
    assert not facts["why_not"] and not any(row["aot"] or row["tflm"] for row in facts["operators"])
    assert [state["bytes"] for state in facts["states"]] == [12, 24, 7, 14, 5, 10, 9, 18]
    assert facts["operators"][1]["macs"] == 2 * 4 * 12 * (10 + 12)


# --- Whole windows ---------------------------------------------------------------------------------------------------


def test_adopt_fewer_frames_than_the_model_takes_keeps_the_others():
    model = write(streaming_wake_word().graph())
    adopted = adopt(model, coefficients=40, frames_per_step=2)
    assert [(s.name, s.input.shape) for s in adopted.states] == [("frames", (1, 28, 1, 40))]
    prove(model, adopted)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_stream_computes_what_is_new_with_the_scores_of_the_window(frames):
    model = write(streaming_wake_word().graph())
    adopted = adopt(model, coefficients=40, frames_per_step=frames, streaming=True)
    assert [s.input.shape[1] for s in adopted.states] == [2, 4, 9, 15 - frames]
    prove(model, adopted, steps=60)


def test_stream_of_the_benchmarks_wake_word_needs_the_multiplications_that_suffice():
    """826,368 and 46,040: what was derived for MLPerf Tiny's reference (v1.3)."""
    model = write(streaming_wake_word().graph())
    adopted = adopt(model, coefficients=40, frames_per_step=1, streaming=True)
    assert survey(model, Options())["macs_per_step"] == 826_368
    assert survey(adopted.model, Options())["macs_per_step"] == 46_040


def padded_in_time() -> GraphBuilder:
    builder = GraphBuilder(5)
    x = builder.input("features", (1, 20, 1, 8), 1 / STEPS_PER_STD)
    x = builder.conv("conv", x, 4, kernel=3, padding="SAME")
    builder.scores(builder.dense("scores", builder.average("mean", x, 20), 3))
    return builder


def in_strides() -> GraphBuilder:
    builder = GraphBuilder(6)
    x = builder.input("features", (1, 21, 1, 8), 1 / STEPS_PER_STD)
    x = builder.conv("conv", x, 4, kernel=3, stride_h=2)
    builder.scores(builder.dense("scores", builder.average("mean", x, 10), 3))
    return builder


def mean_taken_off() -> GraphBuilder:
    """The mean of the window is taken off each of its frames."""
    builder = GraphBuilder(8)
    x = builder.input("features", (1, 20, 1, 8), 1 / STEPS_PER_STD)
    mean = builder.reduced("MEAN", "mean", x, [1], keep=True)
    x = builder.binary("SUB", "difference", x, mean, 1 / 20, activation="NONE")
    x = builder.conv("conv", x, 4, kernel=3, activation="RELU")
    builder.scores(builder.dense("scores", builder.average("average", x, 18), 3))
    return builder


@pytest.mark.parametrize(
    ("builder", "frames", "message"),
    [
        (mean_taken_off, 1, "SUB of 'difference' prevents streaming: its operand 'mean' is of the whole window"),
        (padded_in_time, 1, "CONV_2D of 'conv' prevents streaming: it pads time"),
        (
            in_strides,
            1,
            "CONV_2D of 'conv' prevents streaming: a step adds 1 of its rows, no multiple of its stride of 2",
        ),
        (in_strides, 21, "a step must bring 1 to 20 of the model's 21 frames"),
        (lambda: matchbox(labels=5), 1, "the model has 4 states: it streams already"),
    ],
)
def test_stream_says_what_prevents_it(builder, frames, message):
    with pytest.raises(KwsError, match=message):
        adopt(write(builder().graph()), coefficients=8, frames_per_step=frames, streaming=True)


def test_stream_of_more_frames_than_a_layer_has_rows_is_refused():
    model = write(streaming_wake_word().graph())
    with pytest.raises(KwsError, match="prevents streaming: a step adds 29 rows, more than"):
        adopt(model, coefficients=40, frames_per_step=29, streaming=True)


def test_stream_with_strides_of_the_step_equals_the_window():
    model = write(in_strides().graph())
    adopted = adopt(model, coefficients=8, frames_per_step=2, streaming=True)
    assert [s.input.shape for s in adopted.states] == [(1, 1, 1, 8), (1, 9, 1, 4)]
    prove(model, adopted)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("behind", "kept"), [("conv", [2, 17]), ("flat", [19])])
@pytest.mark.parametrize("frames", [1, 4])
def test_stream_dense_layer_of_each_row_equals_the_window(tmp_path, keep, behind, kept, frames):
    model = write(dense_rows(keep, behind).graph())
    adopted = adopt(model, coefficients=8, frames_per_step=frames, streaming=True)
    # Of the conv 2 rows, of the flat window what a step does not bring.
    assert [s.input.shape[1] for s in adopted.states] == [*kept[:-1], kept[-1] + 1 - frames]
    assert prove(model, adopted).different > 20
    assert survey(adopted.model, Options())["memory"]  # engine aot takes it


@pytest.mark.parametrize("kind", ["SLICE", "STRIDED_SLICE"])
@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize(
    ("begin", "end", "kept"),
    [
        (0, 18, [2, 2, 15]),  # all of them
        (8, 18, [2, 2, 7]),  # the newest
        (3, 15, [2, 3, 2, 9]),  # late by three rows
        (17, 18, [2]),  # the last one, out of time
        (9, 10, [2, 8]),  # one in the middle
        (14, 16, [2, 2, 1]),  # as many as two frames bring
    ],
)
def test_stream_slice_along_time_equals_the_window(kind, frames, begin, end, kept):
    model = write(sliced(begin, end, kind).graph())
    adopted = adopt(model, coefficients=8, frames_per_step=frames, streaming=True)
    assert prove(model, adopted).different > 20
    if frames == 1:
        assert [s.input.shape[1] for s in adopted.states] == kept


def test_stream_slice_of_one_row_without_its_axis_equals_the_window():
    model = write(sliced(17, 18, "STRIDED_SLICE", drop=True).graph())
    assert prove(model, adopt(model, coefficients=8, frames_per_step=1, streaming=True)).different > 20


def test_stream_slice_that_leaves_rows_out_is_refused():
    builder = sliced(0, 18, "STRIDED_SLICE")
    graph = builder.graph()
    tensors = [dataclasses.replace(t, data=np.int32([1, 2, 1, 1])) if t.name == "s" else t for t in graph.tensors]
    with pytest.raises(KwsError, match="STRIDED_SLICE of 'cut' prevents streaming: it leaves elements out"):
        adopt(write(dataclasses.replace(graph, tensors=tuple(tensors))), 8, 1, streaming=True)


def test_adopt_other_frames_of_a_model_with_states_are_refused(small):
    with pytest.raises(KwsError, match="4 states, which move on by the 2 frames of a step.* Received: 1"):
        adopt(with_variables(small), coefficients=8, frames_per_step=1)
    with pytest.raises(KwsError, match="a step must bring at least 1 frame. Received: 0"):
        adopt(with_variables(small), coefficients=8, frames_per_step=0)


def test_adopt_name_that_no_file_can_hold_is_refused(small, tmp_path, capsys):
    path = tmp_path / "theirs.tflite"
    path.write_bytes(with_variables(small))
    frontend = tmp_path / "frontend.json"
    frontend.write_text(json.dumps({"kind": "mfcc", "coefficients": 8}))
    options = ["--labels", "a,b,c,d,e", "--frontend", str(frontend), "--out", str(tmp_path / "out")]
    for name in ("a\udcff", "a\nb"):
        assert main(["adopt", str(path), *options, "--name", name]) == 2
        assert capsys.readouterr().err.startswith("error: the bundle must ")
    assert main(["adopt", str(path), *options]) == 0
    assert "the scores of 200 steps equal the original's" in capsys.readouterr().out


def test_adopt_with_log_mel_of_a_file_takes_the_models_steps_and_generates_its_stages(small, tmp_path):
    path, frontend, out = tmp_path / "theirs.tflite", tmp_path / "frontend.json", tmp_path / "out"
    path.write_bytes(with_variables(small))
    frontend.write_text(json.dumps({"kind": "log_mel", "sample_rate_hz": 8000, "mel_bands": 8, "preemphasis": 0.9}))
    options = ["--labels", "a,b,c,d,e", "--frontend", str(frontend), "--out", str(out)]
    assert main(["adopt", str(path), *options]) == 0
    heard, scale = Bundle.load(out).frontend, Bundle.load(out).features.scale
    assert (heard.kind, heard.window_samples, heard.coefficients) == ("log_mel", 240, 8)
    assert heard.feature_steps_per_std == 1 / scale and heard.preemphasis == 0.9
    assert main(["generate", str(out), "--out", str(tmp_path / "generated")]) == 0
    header = (tmp_path / "generated/frontend_tables.h").read_text()
    assert "KWS_FRONTEND_LOG_MEL" in header and "KWS_FRONTEND_PREEMPHASIS" in header


def test_adopt_detector_given_twice_is_refused(tmp_path, capsys):
    path, word = tmp_path / "model.tflite", tmp_path / "word.json"
    path.write_bytes(write(streaming_wake_word().graph()))
    options = ["--frontend", "mfcc", "--microwakeword", str(word), "--threshold", "0.5", "--out", str(tmp_path / "out")]
    assert main(["adopt", str(path), *options]) == 2
    assert "--microwakeword gives the detector" in capsys.readouterr().err


def test_adopt_bundle_that_no_firmware_carries_says_so(tmp_path, capsys):
    path = tmp_path / "model.tflite"
    path.write_bytes(write(streaming_wake_word().graph()))
    options = ["--frontend", "mfcc", "--labels", "a,b,c", "--out", str(tmp_path / "out")]
    assert main(["adopt", str(path), *options]) == 0
    assert "no firmware can carry the bundle yet: a STEP message would have 1229 bytes" in capsys.readouterr().err


# --- What a stranger does ---------------------------------------------------------------------------------------------


def _options(folder, *more):
    path = folder / "model.tflite"
    if not path.exists():
        path.write_bytes(write(streaming_wake_word().graph()))
    return ["adopt", str(path), "--frontend", "mfcc", "--labels", "a,b,c", "--out", str(folder / "out"), *more]


def test_adopt_over_the_bundle_of_another_model_is_refused_unless_told(tmp_path, capsys):
    assert main(_options(tmp_path)) == 0 and main(_options(tmp_path)) == 0  # the same again
    before = (tmp_path / "out/model.tflite").read_bytes()
    capsys.readouterr()
    assert main(_options(tmp_path, "--frames-per-step", "1")) == 2
    err = capsys.readouterr().err
    assert err.endswith("out holds the bundle of another model. Choose another folder, or give --overwrite.\n")
    assert (tmp_path / "out/model.tflite").read_bytes() == before
    assert main(_options(tmp_path, "--frames-per-step", "1", "--overwrite")) == 0
    assert (tmp_path / "out/model.tflite").read_bytes() != before


def test_adopt_of_a_folder_says_what_to_do(tmp_path, capsys):
    assert main(_options(tmp_path)) == 0
    capsys.readouterr()
    bundle = str(tmp_path / "out")
    rest = ["--frontend", "mfcc", "--labels", "a", "--out", str(tmp_path / "other")]
    assert main(["adopt", bundle, *rest]) == 2
    assert f"{bundle} is a bundle already: kws-codegen generate {bundle} --out DIR" in capsys.readouterr().err
    assert main(["adopt", str(tmp_path), *rest]) == 2
    assert "is a folder. Give the .tflite in it." in capsys.readouterr().err


def test_adopt_file_in_the_way_of_the_bundle_speaks_of_no_space(tmp_path, capsys):
    (tmp_path / "out").write_text("in the way")
    assert main(_options(tmp_path)) == 2
    err = capsys.readouterr().err
    assert "File exists. Choose another folder.\n" in err and "space" not in err


@pytest.mark.parametrize(("key", "value"), [("coefficient", 10), ("mel_bands", "forty")])
def test_adopt_frontend_with_a_typo_speaks_of_the_file(tmp_path, capsys, key, value):
    path = tmp_path / "frontend.json"
    path.write_text(json.dumps({"kind": "mfcc", key: value}))
    words = _options(tmp_path)
    words[words.index("mfcc")] = str(path)
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: --frontend {path}: ") and key in err and err.endswith(" Correct the file.\n")
    assert "Export" not in err


def test_adopt_wake_word_with_another_front_end_warns(tmp_path, capsys):
    model = wake_words.folder() / "alexa.tflite"
    words = ["--microwakeword", str(model.with_suffix(".json")), "--frontend", "mfcc", "--out", str(tmp_path / "out")]
    assert main(["adopt", str(model), *words]) == 0
    assert "microWakeWord's models were trained with another front end than --frontend mfcc" in capsys.readouterr().err


def test_adopt_small_file_with_large_tensors_is_proven(capfd):
    """TensorFlow Lite Micro's own guess of its memory is 10 times the file."""
    b = GraphBuilder(1)
    x = b.reshape("plane", b.input("features", (1, 98, 1, 40), 1 / 16), (1, 98, 40, 1))
    x = b.conv("narrow", b.conv("wide", x, 32), 1)
    b.scores(b.dense("dense", b.reshape("flat", x, (1, 98 * 40)), 1))
    model = write(b.graph())
    assert 10 * len(model) < 98 * 40 * 33  # of the two tensors that are needed at once
    assert prove(model, adopt(model, 40), steps=2).steps == 10
    assert capfd.readouterr().err == ""


def test_adopt_model_too_large_to_run_ends_in_one_line_that_holds_the_interpreters(capfd, monkeypatch):
    monkeypatch.setattr(interpreter, "LARGEST_ARENA", 1000)
    model = write(streaming_wake_word().graph())
    with pytest.raises(KwsError) as error:
        prove(model, adopt(model, 40))
    assert re.fullmatch(
        "TensorFlow Lite Micro does not run the model: TFLM failed to allocate tensors: .*[Ff]ailed .*",
        str(error.value),
    )
    assert capfd.readouterr().err == ""


def test_inspect_model_that_no_bundle_holds_ends_with_status_1(tmp_path, capsys):
    path = tmp_path / "model.tflite"
    graph = streaming_wake_word().graph()
    path.write_bytes(write(graph))
    assert main(["inspect", str(path)]) == 0
    floats = dataclasses.replace(graph.tensors[graph.inputs[0]], dtype="FLOAT32")
    tensors = tuple(floats if tensor.index == floats.index else tensor for tensor in graph.tensors)
    path.write_bytes(write(dataclasses.replace(graph, tensors=tensors)))
    capsys.readouterr()
    assert main(["inspect", str(path)]) == 1
    assert "No bundle can hold it: " in capsys.readouterr().out.splitlines()[-1]
    with pytest.raises(SystemExit):
        main(["inspect", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "BUNDLE|MODEL.tflite" in out and "exit status: 0; 1 when no bundle can hold the .tflite" in out


# --- The detector of a wake word -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(cutoff=st.floats(0.81, 0.999), seed=st.integers(0, 2**32 - 1))
def test_wake_word_detector_raises_what_the_mean_of_probabilities_does(tmp_path_factory, cutoff, seed):
    path = tmp_path_factory.mktemp("wake") / "word.json"
    micro = {"probability_cutoff": cutoff, "sliding_window_size": 5}
    path.write_text(json.dumps({"wake_word": "Okay", "micro": micro}))
    scores = dataclasses.replace(_end(), scale=1 / 256, zero_point=-128)
    word, settings_ = wake_word_detector(scores, path)
    detector = Detector(
        DetectorTables(
            exp_q15=exp_table(1 / 256),
            threshold_q15=np.array(settings_["threshold_q15"], np.uint16),
            smoothing_steps=settings_["smoothing_steps"],
            refractory_steps=settings_["refractory_steps"],
            probability_q15=probability_table(1 / 256, -128),
        )
    )
    rng = np.random.default_rng(seed)
    bytes_ = np.clip(rng.normal(256 * cutoff, 6, 200), 0, 255).astype(int)
    for step, byte in enumerate(bytes_):
        last = bytes_[max(0, step - 4) : step + 1]
        expected = len(last) == 5 and statistics.mean(int(value) / 256 for value in last) > cutoff
        assert (detector.step(np.array([byte - 128], np.int8)) is not None) == expected
    assert word == "Okay"


def test_wake_word_detector_that_could_be_passed_early_is_refused(tmp_path):
    path = tmp_path / "word.json"
    path.write_text(json.dumps({"wake_word": "x", "micro": {"probability_cutoff": 0.5, "sliding_window_size": 5}}))
    with pytest.raises(KwsError, match="a cut-off of 0.5 could be passed before 5 steps were heard"):
        wake_word_detector(_end(), path)


def _end():
    return adopt(write(streaming_wake_word().graph()), 40).scores.__class__(0, "scores", (1, 1), 1 / 256, -128)


def test_adopt_model_with_states_outside_pairs_inputs_and_outputs_by_shape(small):
    adopted = adopt(small.model, coefficients=8)
    assert [s.input.shape for s in adopted.states] == [s.shape for s in small.states]
    assert adopted.original_outputs == (4, 0, 1, 2, 3)
    prove(small.model, adopted)
