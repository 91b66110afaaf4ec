"""The self-attention transformer and the Conformer: stream equals batch, and the commands that show them."""

import json

import keras
import numpy as np
import pytest
import soundfile
from kws_reference.frontend.config import FrontendConfig
from kws_training.cli import main
from kws_training.convert.float import float_tflite
from kws_training.convert.integer import convert
from kws_training.convert.runner import TfliteRunner
from kws_training.convert.staged import stage
from kws_training.data.log_mel import LogMelStream, log_mel
from kws_training.models import conformer, transformer
from kws_training.models.conformer import ConformerConfig
from kws_training.models.transformer import TransformerConfig
from kws_training.streaming import to_streaming
from kws_training.train.run_files import BEST, SETTINGS

TRANSFORMER = TransformerConfig(labels=4, coefficients=6, filters=8, kernels=(3, 5), window=7, pool_frames=40)
CONFORMER = ConformerConfig(mel_bands=16, layers=2, size=16, heads=2, window=5, kernel=4, subsampling_filters=4)
MODELS = {"transformer": (transformer.build, TRANSFORMER), "conformer": (conformer.build, CONFORMER)}
# Float32 sums in another order, after folding the batch norm.
TOLERANCE = 1e-5


def built(name: str) -> keras.Model:
    """With random batch norms and position biases, so that these are seen too."""
    keras.utils.set_random_seed(2)
    build, config = MODELS[name]
    model = build(config)
    random = np.random.default_rng(3)
    for variable in model.variables:
        if any(part in variable.path for part in ("gamma", "variance")):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
        elif any(part in variable.path for part in ("beta", "moving_mean", "bias")):
            variable.assign(random.normal(0, 0.3, variable.shape))
    return model


def clips(model: keras.Model, frames: int = 40) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2, frames, model.input.shape[-1])).astype(np.float32)


@pytest.mark.parametrize("frames", (2, 4, 10))
@pytest.mark.parametrize("name", MODELS)
def test_model_streamed_equals_the_whole_clip(name, frames):
    model = built(name)
    x = clips(model)
    assert np.abs(to_streaming(model, frames).stream(x) - model(x).numpy()).max() <= TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_model_streamed_by_the_float_tflite_equals_the_whole_clip(name):
    model = built(name)
    streaming = to_streaming(model, 2)
    x = clips(model)
    outputs = TfliteRunner(float_tflite(streaming), streaming.state_specs).stream(x)[0]
    expected = model(x).numpy()
    got = outputs[:, -1] if name == "transformer" else outputs.reshape(expected.shape)
    assert np.abs(got - expected).max() <= TOLERANCE


def test_transformer_exports_as_int8_and_follows_the_float_model():
    model = built("transformer")
    streaming = to_streaming(model, 2)
    steps = np.clip(np.rint(clips(model) * 32), -128, 127).astype(np.int8)
    converted = convert(streaming, steps, 1 / 32)
    got = TfliteRunner(converted.data, streaming.state_specs).stream(steps)[0][:, -1]
    expected = model(steps.astype(np.float32) / 32).numpy()
    # 8 bits everywhere: measured 3 % of the logits' deviation.
    assert np.abs(got - expected).mean() <= 0.1 * expected.std()


def test_transformer_default_is_of_the_size_that_its_documentation_says():
    assert round(transformer.build(TransformerConfig()).count_params(), -3) == 128_000


def test_transformer_config_comes_back_from_json():
    config = TransformerConfig(labels=5, kernels=(3,))
    assert TransformerConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="stride must divide pool_frames 98. Received: 3"):
        TransformerConfig(stride=3)


@pytest.mark.parametrize("config", (CONFORMER, ConformerConfig.scaled(1, 64), ConformerConfig.scaled(2, 24)))
def test_conformer_config_knows_its_parameters(config):
    assert conformer.build(config).count_params() == config.parameters
    assert ConformerConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_conformer_default_is_of_the_size_that_its_documentation_says():
    config = ConformerConfig()
    assert (config.layers, config.window) == (17, 60)
    assert round(config.parameters / 1e6) == 104
    assert ConformerConfig.scaled(17, 512) == config


def test_log_mel_streamed_equals_the_whole_recording():
    settings = FrontendConfig(mel_bands=80, coefficients=80)
    pcm = np.random.default_rng(4).normal(0, 1000, 4000).astype(np.float32)
    stream = LogMelStream(settings)
    parts = [stream.push(part) for part in np.array_split(pcm, 23)]
    # float32 products of other sizes, so that sums of 80 terms around 16 are taken in another order
    assert np.abs(np.concatenate(parts) - log_mel(pcm, settings)).max() <= 1e-4


def test_log_mel_is_the_logarithm_of_each_band():
    from kws_reference.frontend.definition import hann_periodic, mel_matrix

    settings = FrontendConfig(mel_bands=80, coefficients=80)
    pcm = np.random.default_rng(4).normal(0, 1000, 480)
    magnitude = np.abs(np.fft.rfft(pcm * hann_periodic(480), 512))
    expected = np.log2(np.maximum(magnitude @ mel_matrix(settings), 1))
    # float32, through a transform and back
    assert np.abs(log_mel(pcm, settings)[0] - expected).max() <= 1e-4


def test_conformer_command_at_a_small_size_measures_both_forms(tmp_path, capsys):
    out = tmp_path / "result.json"
    arguments = ["--layers", "1", "--size", "64", "--steps", "12", "--rounds", "1", "--out", str(out)]
    assert main(["conformer", *arguments]) == 0
    result = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == result
    for kind in ("float32", "int8"):
        assert result[kind]["step_ms"] >= result[kind]["invoke_ms"] > 0 and result[kind]["peak_mb"] > 0
    assert result["float32"]["file_mb"] > result["int8"]["file_mb"]
    assert result["float32_tflite_differs_from_keras_by"] <= TOLERANCE
    assert result["int8_error_of_output"] < 0.3
    assert result["talk"]["float32_over_int8"] == {"step_ms": 2.38, "memory_mb": 6.0}


@pytest.mark.parametrize(
    "arguments, said", [(["--layers", "0"], "layers must be at least 1"), (["--steps", "0"], "--steps must be")]
)
def test_conformer_command_with_bad_arguments_says_so_in_one_line(arguments, said, capsys):
    assert main(["conformer", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_conformer_command_measures_kept_models_again_and_refuses_those_of_another_size(tmp_path, capsys):
    command = ["conformer", "--size", "16", "--steps", "3", "--rounds", "1", "--models", str(tmp_path), "--layers"]
    assert main([*command, "1"]) == 0
    made = (tmp_path / "int8.tflite").stat().st_mtime_ns
    assert main([*command, "1"]) == 0
    assert (tmp_path / "int8.tflite").stat().st_mtime_ns == made
    assert main([*command, "2"]) == 2
    assert "holds another Conformer" in capsys.readouterr().err


def test_stage_without_enough_memory_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("kws_training.convert.staged._available_gb", lambda: 3.0)
    with pytest.raises(Exception, match="len of 400 MB of weights needs about 13 GB of memory, 3 are free"):
        stage(len, "", weight_bytes=400_000_000)


@pytest.fixture
def run(tmp_path):
    """A run folder of an untrained transformer."""
    config = TransformerConfig(labels=3, filters=16, kernels=(3,), window=10)
    model = transformer.build(config)
    settings = {
        "architecture": "transformer",
        "model": config.to_dict(),
        "labels": ["_silence_", "_unknown_", "yes"],
        "frontend": FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(10.0,) * 40).to_dict(),
    }
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / SETTINGS).write_text(json.dumps(settings))
    np.savez(folder / BEST, **{f"weight_{index}": value for index, value in enumerate(model.get_weights())})
    return folder


def wav(path, seconds: float):
    tone = 8000 * np.sin(np.arange(round(16000 * seconds)) * 0.2)
    soundfile.write(path, tone.astype(np.int16), 16000)
    return path


@pytest.mark.parametrize("seconds", (0.03, 4.0))
def test_attention_command_draws_every_part(run, tmp_path, capsys, seconds):
    out = tmp_path / "pictures"
    assert main(["attention", str(run), "--wav", str(wav(tmp_path / "a.wav", seconds)), "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["heard"] in ("_silence_", "_unknown_", "yes")
    names = {"attention", "input_speech", "features", "local_features", "queries", "keys", "values", "softmax"}
    assert {path.stem for path in out.glob("*.png")} == names
    assert len(result["files"]) == len(names)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.iterdir())


def test_attention_command_with_bad_files_says_so_in_one_line(run, tmp_path, capsys):
    good, short = wav(tmp_path / "good.wav", 1.0), wav(tmp_path / "short.wav", 0.02)
    text = tmp_path / "text.wav"
    text.write_text("no audio")
    matchbox = tmp_path / "matchbox"
    matchbox.mkdir()
    for folder, file, said in (
        (run, tmp_path / "none.wav", "none.wav"),
        (run, text, "text.wav"),
        (run, short, "less than one window of 0.03 s"),
        (tmp_path / "nothing", good, "holds no finished epoch"),
        (matchbox, good, "holds no finished epoch"),
    ):
        assert main(["attention", str(folder), "--wav", str(file), "--out", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_attention_command_refuses_a_model_without_attention(run, tmp_path, capsys):
    from kws_training.models import matchbox

    config = matchbox.MatchboxConfig(labels=3, blocks=(matchbox.Block(8, 3),))
    settings = json.loads((run / SETTINGS).read_text()) | {"architecture": "matchbox", "model": config.to_dict()}
    (run / SETTINGS).write_text(json.dumps(settings))
    weights = matchbox.build(config).get_weights()
    np.savez(run / BEST, **{f"weight_{index}": value for index, value in enumerate(weights)})
    file = wav(tmp_path / "good.wav", 1.0)
    assert main(["attention", str(run), "--wav", str(file), "--out", str(tmp_path / "out")]) == 2
    assert "the model matchbox has no attention to draw" in capsys.readouterr().err
