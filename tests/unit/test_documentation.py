"""The code of the pages runs: the blocks of a page in order, as one program."""

import contextlib
import io
import re
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training.streaming import CannotStream  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("training/STREAMING.md", "training/QUANTIZATION.md")
REFUSED, PRINTED = "# CannotStream: ", "# > "


def blocks_of(page: str) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the number of its first line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(1)].count("\n") + 1, match.group(1)) for match in found]


def run(code: str, where: str, names: dict) -> None:
    """Runs a block; what it prints, or how it is refused, must be what its comments say."""
    lines = code.splitlines()
    refusals = [line.removeprefix(REFUSED) for line in lines if line.startswith(REFUSED)]
    wanted = [line.removeprefix(PRINTED) for line in lines if line.startswith(PRINTED)]
    program = compile(code, where, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if refusals:
            with pytest.raises(CannotStream) as error:
                exec(program, names)
            assert [str(error.value)] == refusals, where
        else:
            exec(program, names)
    assert printed.getvalue().splitlines() == wanted, where


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_runs_as_it_says(page):
    blocks, names = blocks_of(page), {"__name__": "page"}
    assert blocks
    for line, code in blocks:
        run(code, f"{page} line {line}", names)


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_is_formatted_to_be_read(page):
    for line, code in blocks_of(page):
        for number, text in enumerate(code.splitlines(), line):
            assert len(text) <= 120 or text.startswith(REFUSED), f"{page} line {number}"
