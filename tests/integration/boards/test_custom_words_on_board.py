"""Two words of one's own, from nothing but their spelling to an emulated board that hears voices it never heard."""

import json
import shutil

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen import cli as codegen  # noqa: E402
from kws_host import cli as host  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402
from kws_training import cli as train  # noqa: E402

from tests.support import boards  # noqa: E402

pytestmark = pytest.mark.qemu

LABELS = ("lights", "music")
BOARD = "mps2_an386"


def run(program, *words) -> None:
    assert program.main([str(word) for word in words]) == 0


def test_custom_words_from_synthetic_voices_are_heard_on_a_board(tmp_path, capsys, bundle_path):
    boards.require_tools()
    if missing := [program for program in ("espeak-ng", "flite") if shutil.which(program) is None]:
        pytest.skip(f"missing: {', '.join(missing)} (make demo-words installs them)")
    trained, bundle, generated = tmp_path / "run", tmp_path / "lights_music", tmp_path / "generated"
    fit = ["--labels", ",".join(LABELS), "--voices", "--voices-clips", 200, "--start-from", bundle_path / "float"]
    run(train, "fit", *fit, "--out", trained, "--epochs", 14, "--batch", 32, "--learning-rate", 1e-3)
    voices = trained / "voices"
    run(train, "export", "--run", trained, "--data", voices, "--out", bundle, "--calibration-clips", 60)
    assert Bundle.load(bundle).labels == ("_silence_", "_unknown_", *LABELS)

    # The split keeps some voices out of training and validation: only these speak now.
    clips = tmp_path / "unheard"
    spoken = dict.fromkeys((*LABELS, "_unknown_"), 0)
    for name in (voices / "testing_list.txt").read_text(encoding="utf-8").splitlines():
        word = name.split("/")[0]
        label = word if word in LABELS else "_unknown_"
        if spoken[label] < 16:
            spoken[label] += 1
            (clips / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(voices / name, clips / label / name.replace("/", "_"))
    assert set(spoken.values()) == {16}

    run(codegen, "generate", bundle, "--out", generated)
    folder = boards.ROOT / "build" / "custom_words"
    built = boards.pio("run", "-e", BOARD, build_dir=folder, environment={"KWS_GENERATED": str(generated)})
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    capsys.readouterr()
    elf = folder / BOARD / "firmware.elf"
    run(host, "evaluate", clips, "--bundle", bundle, "--board", BOARD, "--elf", elf, "--no-cache", "--json", "-")
    result = json.loads(capsys.readouterr().out)
    assert result["differing_clips"] == 0
    # Guessing one of three is right 16 times of 48; 29 or more by luck has a probability below 1e-4.
    assert result["accuracy_on_device"] >= 0.6, result
