"""Front ends from a file, from training to an emulated board: log-mel every 20 ms, and at 8 kHz with preemphasis."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen import cli as codegen  # noqa: E402
from kws_host import cli as host  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402
from kws_training import cli as train  # noqa: E402

from tests.support import boards  # noqa: E402
from tests.support.tones import write_tones  # noqa: E402

pytestmark = pytest.mark.qemu

BOARD = "mps2_an386"
FRONTENDS = {
    "log_mel_20_ms": {"kind": "log_mel", "hop_samples": 320},
    "log_mel_8_khz": {"kind": "log_mel", "sample_rate_hz": 8000, "mel_bands": 33, "preemphasis": 0.97},
}
MODEL = """
import keras
from keras import layers
from kws_training.streaming import Stream

FRAMES_PER_STEP = 1


def build(labels, coefficients):
    features = keras.Input((None, coefficients))
    x = Stream(layers.Conv1D(6, 5, activation="relu"), name="conv")(features)
    x = Stream(layers.GRU(5), name="memory")(x)
    return keras.Model(features, layers.Dense(labels)(x))
"""


def run(program, *words) -> None:
    assert program.main([str(word) for word in words]) == 0, words


@pytest.mark.parametrize("name", FRONTENDS)
def test_front_end_of_a_file_is_trained_with_and_runs_on_a_board(name: str, tmp_path, capsys):
    boards.require_tools()
    (tmp_path / "words").mkdir()
    words, frontend, model = write_tones(tmp_path / "words", speakers=8), tmp_path / "frontend.json", tmp_path / "my.py"
    frontend.write_text(json.dumps(FRONTENDS[name]))
    model.write_text(MODEL)
    trained, bundle, generated = tmp_path / "run", tmp_path / "bundle", tmp_path / "generated"
    data = ["--data", words, "--labels", "yes,no", "--unknown-percent", 50, "--workers", 0, "--batch", 8]
    run(train, "fit", *data, "--model", f"{model}:build", "--frontend", frontend, "--epochs", 1, "--out", trained)
    run(train, "export", "--run", trained, "--data", words, "--calibration-clips", 4, "--out", bundle)
    heard = Bundle.load(bundle).frontend.to_dict()
    assert heard == heard | FRONTENDS[name] and any(heard["feature_mean"])
    capsys.readouterr()
    run(train, "evaluate", bundle, "--run", trained, "--test", words, "--set-name", "x", "--limit", 4)
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["float_streaming"] == evaluated["float_batch"]

    run(codegen, "generate", bundle, "--out", generated)
    folder = boards.ROOT / "build" / "frontends" / name
    built = boards.pio("run", "-e", BOARD, build_dir=folder, environment={"KWS_GENERATED": str(generated)})
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    elf = folder / BOARD / "firmware.elf"
    clips = sorted((words / "yes").iterdir())[:3] + sorted((words / "_background_noise_").iterdir())
    capsys.readouterr()
    run(host, "check", *clips, "--bundle", bundle, "--emulate", BOARD, "--elf", elf, "--json", "-")
    checked = json.loads(capsys.readouterr().out)
    assert checked["summary"]["mismatches"] == 0 and checked["summary"]["clips"] == 4
    # Three seconds of hiss and three clips of a second; a step is a frame.
    hop_s = heard["hop_samples"] / heard["sample_rate_hz"]
    assert checked["summary"]["steps"] >= 5.8 / hop_s
