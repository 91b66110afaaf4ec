"""The page's road from a model of one's own to the firmware's engine, with a handful of clips and on the host."""

import re
import shlex

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen import cli as codegen  # noqa: E402
from kws_reference.bundle import Bundle  # noqa: E402
from kws_training import cli as train  # noqa: E402

from tests.support import engines  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tests.support.tones import write_tones  # noqa: E402

PROGRAMS = {"kws-train": train, "kws-codegen": codegen}
LESS = {  # of everything, so that the road takes seconds
    "fit": ["--epochs", "1", "--batch", "8", "--unknown-percent", "50", "--workers", "0"],
    "export": ["--calibration-clips", "4"],
    "evaluate": ["--limit", "4"],
    "list-layers": ["Dense", "GRU", "--streaming-only"],
    "describe": [],
    "generate": [],
}


def section() -> str:
    return (ROOT / "training/STREAMING.md").read_text(encoding="utf-8").partition("\n## From your own model")[2]


def commands() -> list[list[str]]:
    found = [shlex.split(line, comments=True) for line in re.findall(r"^    (kws-\S.*)$", section(), re.MULTILINE)]
    return [words for words in found if words[0] in PROGRAMS]


@pytest.mark.slow
def test_road_of_the_page_leads_from_a_file_to_an_engine_that_equals_the_interpreter(tmp_path, monkeypatch):
    file = re.search(r"^```python\n(# (\S+)\n.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    (tmp_path / file[2]).write_text(file[1])
    monkeypatch.chdir(tmp_path)
    for folder in {word for words in commands() for word in words if word.startswith("data/")}:
        (tmp_path / folder).mkdir(parents=True)
        write_tones(tmp_path / folder, speakers=8)
    assert [words[1] for words in commands()] == ["list-layers", "describe", "fit", "export", "evaluate", "generate"]
    for program, command, *words in commands():
        assert PROGRAMS[program].main([command, *words, *LESS[command]]) == 0, command
    bundle = Bundle.load(tmp_path / "bundles/own")
    assert [state.name for state in bundle.states] == ["stem", "block1", "block2", "memory_h"]
    program = engines.compile_generated(tmp_path / "build/own", "engine_own")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 100))
