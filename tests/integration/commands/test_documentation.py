"""The pages' code runs, the blocks of a page in order as one program; their commands are taken by the real programs."""

import argparse
import contextlib
import importlib
import importlib.util
import io
import re
import shlex
import shutil
import sys

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training.streaming import CannotStream  # noqa: E402

from tests.support.paths import ROOT  # noqa: E402

FOLDERS = ("training", "codegen", "firmware", "host")
REFUSED, PRINTED = "# CannotStream: ", "# > "


def pages() -> list[str]:
    """Every page of ours, as a path from the repository's root."""
    found = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
    names = [path.relative_to(ROOT) for path in found]
    return [n.as_posix() for n in names if "third_party" not in n.parts and not any(p.startswith(".") for p in n.parts)]


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


PAGES = [page for page in pages() if blocks_of(page)]
RELEASE = "training/zoo/experiments/kit12_release/README.md"


def test_pages_with_code_are_found():
    assert {"README.md", "training/STREAMING.md", "training/QUANTIZATION.md", RELEASE} <= set(PAGES)


@pytest.fixture
def voices(monkeypatch):
    """Speaking as many clips as a page asks for takes an hour: counts them instead."""
    from kws_training.data.text_to_speech import write_voices

    counted = []

    def count(words, folder, number, *arguments):
        counted.append(len(words) * number)

    monkeypatch.setattr(write_voices, "write_voices", count)
    return counted


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_runs_as_it_says(page, voices):
    if page == RELEASE and shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is missing (apt-get install espeak-ng)")
    names = {"__name__": "page"}
    for line, code in blocks_of(page):
        run(code, f"{page} line {line}", names)
    assert bool(voices) == (page == RELEASE)
    if voices:
        assert f"{sum(voices):,} clips" in (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_is_formatted_to_be_read(page):
    for line, code in blocks_of(page):
        for number, text in enumerate(code.splitlines(), line):
            assert len(text) <= 120 or text.startswith(REFUSED), f"{page} line {number}"


# Commands

PROGRAMS = {"kws-train": "kws_training.cli", "kws-codegen": "kws_codegen.cli", "kws-host": "kws_host.cli"}


class Parsed(Exception):
    """A program has taken its arguments; it goes no further."""


def commands_of(page: str) -> list[tuple[int, list[str]]]:
    """The command lines in a page's blocks, each with its line's number: words, without settings in front."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found, blocks = [], re.sub(r"\\\n", "  ", text)
    for match in re.finditer(r"^(?: {4}|\$ |(?=kws-|python3? |pytest |pio ))(\S.*)$", blocks, re.MULTILINE):
        with contextlib.suppress(ValueError):  # prose with an apostrophe
            words = shlex.split(match.group(1), comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words.pop(0)
            found.append((blocks[: match.start()].count("\n") + 1, words))
    return [(line, words) for line, words in found if words]


def commands(*programs: str) -> list:
    return [
        pytest.param(words, id=f"{page}:{line}")
        for page in pages()
        for line, words in commands_of(page)
        if words[0] in programs
    ]


@pytest.fixture
def parsing_only(monkeypatch):
    """Programs stop when they have parsed their arguments."""
    parse = argparse.ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        raise Parsed(parse(self, args, namespace))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)


@pytest.mark.parametrize("words", commands(*PROGRAMS))
def test_command_of_a_page_is_taken_by_its_program(words, parsing_only):
    with pytest.raises(Parsed):
        importlib.import_module(PROGRAMS[words[0]]).main(words[1:])


OURS = [one for one in commands("python") if one.values[0][2].partition(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("words", OURS)
def test_module_of_a_page_takes_its_options(words, parsing_only):
    assert words[1] == "-m", "name modules, not files"
    name = words[2] if importlib.util.find_spec(words[2]).submodule_search_locations is None else f"{words[2]}.__main__"
    with pytest.raises(Parsed):
        importlib.import_module(name).main(words[3:])


@pytest.mark.parametrize("words", commands("pytest"))
def test_tests_of_a_page_exist(words):
    assert (ROOT / words[1]).exists()


def test_pages_with_commands_are_found():
    assert len(commands(*PROGRAMS)) > 30
