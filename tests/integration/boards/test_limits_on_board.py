"""Networks as large as the protocol carries, and one without states: built, run and checked on an emulated board."""

import json

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_host import cli as host

from tests.support import boards
from tests.support.models import largest, no_states

pytestmark = pytest.mark.qemu

BOARD = "mps2_an386"
MODELS = {
    "no_states": no_states,
    "labels": lambda: largest(frames=1, labels=255, states=1),
    "step_and_states": largest,
}


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
    assert host.main(["bench", *device, "--steps", "2", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert bool(json.loads(out)["layers"]) == (name != "step_and_states")
    assert ("no table of layers" in err) == (name == "step_and_states")
