"""The page's road from a model of one's own to its end: the whole firmware on an emulated board."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_host import cli as host  # noqa: E402

from tests.support import boards, own_model_road  # noqa: E402

pytestmark = pytest.mark.qemu

BOARD = "mps2_an386"


def test_road_of_the_page_ends_on_a_board_that_computes_every_integer(tmp_path, monkeypatch, capsys):
    boards.require_tools()
    monkeypatch.chdir(tmp_path)
    own_model_road.walk(tmp_path)
    environment = {"KWS_GENERATED": str(tmp_path / own_model_road.GENERATED)}
    folder = boards.ROOT / "build" / "own_model"
    built = boards.pio("run", "-e", BOARD, build_dir=folder, environment=environment)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    ((_, *words),) = own_model_road.commands("kws-host")
    assert words[-2] == "--elf" and BOARD in words
    capsys.readouterr()
    elf = folder / BOARD / "firmware.elf"
    assert host.main([*words[:-1], str(elf), "--no-cache", "--limit", "6", "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["clips"], result["differing_clips"]) == (6, 0)
