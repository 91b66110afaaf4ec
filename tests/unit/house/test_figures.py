"""Pages state what the committed records say, and the command that writes them forgets nothing."""

import os
import subprocess
import sys

import pytest
from kws_reference.errors import KwsError

from tests.tools.figures import makers, pages, records


def page(tmp_path, text):
    path = tmp_path / "PAGE.md"
    path.write_text(text)
    return path


def test_pages_state_what_was_measured():
    assert pages.run(pages.pages(), makers.all_makers(), check=True) == [], "make figures"


def test_run_renews_tables_and_figures_in_sentences(tmp_path):
    path = page(tmp_path, "<!-- t: begin -->\nold\n<!-- t: end -->\n\nTakes <!-- fig: n -->1<!-- /fig --> steps.\n")
    made = {"t": lambda: "| a |\n| b |", "n": lambda: "2"}
    stale = pages.run([path], made, check=True)
    assert any(line == "-old" for line in stale) and "old" in path.read_text()
    assert pages.run([path], made, check=False)
    assert path.read_text() == (
        "<!-- t: begin -->\n| a |\n| b |\n<!-- t: end -->\n\nTakes <!-- fig: n -->2<!-- /fig --> steps.\n"
    )
    assert pages.run([path], made, check=True) == []


def test_run_with_an_empty_table_fills_it(tmp_path):
    path = page(tmp_path, "<!-- t: begin -->\n<!-- t: end -->\n")
    pages.run([path], {"t": lambda: "| a |"}, check=False)
    assert path.read_text() == "<!-- t: begin -->\n| a |\n<!-- t: end -->\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- fig: other -->1<!-- /fig -->", "nothing makes figures called other"),
        ("<!-- n: begin -->\n<!-- m: end -->\n", "the table n ends as m"),
        ("<!-- n: begin -->\n", "<!-- n: begin --> has no partner"),
        ("<!-- fig: n -->1", "<!-- fig: n --> has no partner"),
        ("Nothing.", "no page states n"),
    ],
)
def test_run_with_a_wrong_marker_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(KwsError, match=message):
        pages.run([page(tmp_path, text)], {"n": lambda: "2"}, check=False)


def test_record_that_is_damaged_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(KwsError, match="cannot read .*a.json"):
        records.record(tmp_path / "a.json")


def test_main_with_check_exits_with_1_and_says_what_to_do(monkeypatch, tmp_path, capsys):
    path = page(tmp_path, "<!-- fig: n -->1<!-- /fig -->\n")
    monkeypatch.setattr(pages, "pages", lambda: [path])
    monkeypatch.setattr(pages, "all_makers", lambda: {"n": lambda: "2"})
    assert pages.main(["--check"]) == 1
    assert "make figures" in capsys.readouterr().err
    assert pages.main([]) == 0 and pages.main(["--check"]) == 0


def test_main_with_a_sign_that_the_terminal_lacks_no_traceback(tmp_path):
    path = page(tmp_path, "<!-- fig: n -->1<!-- /fig -->\n")
    program = (
        "import pathlib, sys; from tests.tools.figures import pages; "
        "pages.pages = lambda: [pathlib.Path(sys.argv[1])]; pages.all_makers = lambda: {'n': lambda: '\\xb1'}; "
        "sys.exit(pages.main(['--check']))"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment.pop("PYTHONIOENCODING", None)  # which PlatformIO sets for the process of tests that call it
    command = [sys.executable, "-c", program, path]
    result = subprocess.run(command, cwd=pages.ROOT, env=environment, capture_output=True)
    assert result.returncode == 1 and rb"\xb1" in result.stdout, result.stderr
