"""Networks as large as the protocol carries, and one without states: built, run and checked on an emulated board."""

import json
from pathlib import Path

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_host import cli as host
from kws_host import detector_settings
from kws_host.target import Target, open_device
from kws_reference.bundle import Bundle, DetectorConfig

from tests.support import boards
from tests.support.models import largest, no_states

pytestmark = pytest.mark.qemu

BOARD = "mps2_an386"
MODELS = {
    "no_states": no_states,
    "labels": lambda: largest(frames=1, labels=255, states=1),
    "step_and_states": largest,
}


def _tune(bundle: Bundle, target: Target) -> None:
    """Gives every label levels of its own, which of many labels takes several frames, and reads them back."""
    labels = range(len(bundle.labels))
    tuned = DetectorConfig(
        16,
        65535,
        tuple(20000 + 3 * label for label in labels),
        tuple(10000 + 2 * label for label in labels),
        255,
        tuple(32768 - label for label in labels),
        65535,
        tuple(25000 + 5 * label for label in labels),
    )
    with open_device(target) as device:
        detector_settings.use(device, tuned)
        assert detector_settings.held_by(device).config == tuned


@pytest.mark.parametrize("name", MODELS)
def test_network_at_the_limit_runs_on_a_board(name, tmp_path, capsys):
    boards.require_tools()
    bundle = MODELS[name]().write(tmp_path / "bundle", name=name)
    write_files(tmp_path / "generated", generate(bundle))
    folder = boards.ROOT / "build" / "limits"
    variables = {"KWS_GENERATED": str(tmp_path / "generated")}
    built = boards.pio("run", "-e", BOARD, build_dir=folder, environment=variables)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    elf = str(folder / BOARD / "firmware.elf")
    words = str(boards.ROOT / "host/demo/words/yes/gina.wav")
    device = ["--emulate", BOARD, "--elf", elf]
    capsys.readouterr()
    assert host.main(["check", *device, "--bundle", str(bundle.path), words, "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["clips"][0]["mismatches"] == 0, result
    _tune(bundle, Target(emulate=BOARD, elf=Path(elf)))
    assert host.main(["bench", *device, "--steps", "2", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert bool(json.loads(out)["layers"]) == (name != "step_and_states")
    assert ("no table of layers" in err) == (name == "step_and_states")
