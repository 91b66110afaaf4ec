"""Runs `kws-host` inside of a test."""

from kws_host import cli


def run(capsys, *words: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    status = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def fails_with_one_line(capsys, *words: object) -> str:
    """Runs a command that must end with status 2 and one line, which is returned."""
    status, _, err = run(capsys, *words)
    assert status == 2
    assert err.startswith("error: ") and err.count("\n") == 1 and "Traceback" not in err
    return err
