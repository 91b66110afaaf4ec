"""How much the command line tools say: levels, -q and -v before and after a subcommand, progress bars."""

import logging
import subprocess
import sys
import types

import pytest
from kws_reference.cli import log, program, progress
from kws_reference.errors import KwsError

LINES = {
    "-q": ["warning: odd"],
    "": ["warning: odd", "done"],
    "-v": ["warning: odd", "done", "kws_sample.talk: detail"],
}


def _command(work) -> types.ModuleType:
    module = types.ModuleType("kws_sample.talk")
    module.add_parser = lambda subparsers: subparsers.add_parser("talk")
    module.run = lambda args: work(logging.getLogger(module.__name__))
    return module


def test_log_what_a_terminal_would_obey_is_an_escape_and_lines_stay_lines(capsys):
    log.set_up(0)
    logging.getLogger("kws_reference.sample").warning("a\x1b[2J\nb\x07 \u00fc")
    assert capsys.readouterr().err == "warning: a\\u001b[2J\nb\\u0007 \u00fc\n"


def _talk(logger: logging.Logger) -> int:
    print("the result")
    logger.warning("odd")
    logger.info("done")
    logger.debug("detail")
    return program.OK


def _said(capsys, work, *argv: str) -> tuple[int, str, list[str]]:
    status = program.run("kws-sample", "A sample.", [_command(work)], argv)
    captured = capsys.readouterr()
    return status, captured.out, [line for line in captured.err.splitlines() if "took" not in line]


@pytest.mark.parametrize("flag", LINES)
@pytest.mark.parametrize("before", (True, False))
def test_log_of_a_verbosity_flag_before_or_after_the_subcommand_shows_its_levels(capsys, flag, before):
    flags = [flag] if flag else []
    argv = [*flags, "talk"] if before else ["talk", *flags]
    assert _said(capsys, _talk, *argv) == (0, "the result\n", LINES[flag])


def test_log_of_opposite_flags_on_both_sides_shows_the_default_levels(capsys):
    assert _said(capsys, _talk, "-q", "talk", "-v") == (0, "the result\n", LINES[""])


def _refuse(_logger: logging.Logger) -> int:
    raise KwsError("no such thing.\nGive another.")


@pytest.mark.parametrize("flags", (["-q"], [], ["-v"]))
def test_log_of_an_error_is_one_line_at_every_verbosity(capsys, flags):
    assert _said(capsys, _refuse, "talk", *flags) == (2, "", ["error: no such thing. Give another."])


@pytest.mark.parametrize("argv", (["-vv", "talk"], ["talk", "-vv"], ["-v", "talk", "-v"]))
def test_log_of_an_error_with_vv_shows_the_traceback_first(capsys, argv):
    status, _, err = _said(capsys, _refuse, *argv)
    assert status == 2 and err[0].startswith("Traceback") and err[-1] == "error: no such thing. Give another."


def test_log_of_another_library_is_not_shown(capsys):
    log.set_up(1, "kws_sample")
    logging.getLogger("somebody").info("their affair")
    assert capsys.readouterr().err == ""


def test_log_set_up_twice_says_a_line_once(capsys):
    log.set_up(0, "kws_sample")
    log.set_up(0, "kws_sample")
    logging.getLogger("kws_sample.talk").info("once")
    assert capsys.readouterr().err == "once\n"


def test_log_of_a_module_run_by_itself_is_shown():
    script = "import logging; from kws_reference.cli import log; log.set_up(); logging.getLogger(__name__).info('here')"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr == "here\n"


def test_log_beside_a_handler_of_another_library_says_a_line_once(capsys):
    theirs = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(theirs)
    try:
        log.set_up(0, "kws_sample")
        logging.getLogger("kws_sample.talk").info("once")
    finally:
        logging.getLogger().removeHandler(theirs)
    assert capsys.readouterr().err == "once\n"


def test_log_each_line_once_within_the_block_only(capsys):
    log.set_up(0, "kws_sample")
    logger = logging.getLogger("kws_sample.talk")
    with log.each_line_once():
        for line in ("table", "note", "table"):
            logger.info(line)
    logger.info("table")
    assert capsys.readouterr().err.splitlines() == ["table", "note", "table"]


def test_log_hushed_package_says_warnings_alone_within_the_block(capsys):
    log.set_up(0, "kws_sample")
    logger = logging.getLogger("kws_sample.talk.loudly")
    with log.hushed("kws_sample.talk"):
        logger.info("epoch")
        logger.warning("odd")
    logger.info("done")
    assert capsys.readouterr().err.splitlines() == ["warning: odd", "done"]


def _slow(total: int, monkeypatch) -> None:
    """Progress of work that takes three seconds an item."""
    clock = iter(range(0, 3 * (total + 2), 3))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shown = progress.Progress("counting", total)
    for done in range(1, total + 1):
        shown.update(done)


def test_progress_of_long_work_shows_lines_where_stderr_is_no_terminal(capsys, monkeypatch):
    log.set_up(0)
    _slow(10, monkeypatch)
    lines = capsys.readouterr().err.splitlines()
    assert [next(word for word in line.split() if "/" in word) for line in lines] == ["5/10", "10/10"]


def test_progress_of_long_work_on_a_terminal_stays_on_one_line(capsys, monkeypatch):
    log.set_up(0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _slow(3, monkeypatch)
    err = capsys.readouterr().err
    assert err.count("\r") == 3 and err.count("\n") == 1 and err.endswith("\n")


def test_progress_with_q_is_silent(capsys, monkeypatch):
    log.set_up(-1)
    _slow(10, monkeypatch)
    assert capsys.readouterr().err == ""


def test_verbosity_flags_of_every_command_of_the_tools_are_the_programs(capsys):
    """A command that had a flag of the same name would end its tool at the start."""
    from kws_codegen import cli as codegen
    from kws_host import cli as host
    from kws_training import cli as training

    for tool in (codegen, host, training):
        with pytest.raises(SystemExit) as ended:
            tool.main(["-q", "--help"])
        assert ended.value.code == 0
