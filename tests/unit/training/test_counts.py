"""kws-train: numbers of clips, steps, layers and seconds that leave nothing to do are refused in one line."""

import pytest
from kws_training import cli


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["frontend-report", "{bundle}", "{tmp}", "--limit", "0"], "--limit must be at least 1. Received: 0."),
        (["frontend-report", "{bundle}", "{tmp}", "--limit", "-5"], "--limit must be at least 1. Received: -5."),
        (
            ["evaluate", "{bundle}", "--test", "{tmp}", "--set-name", "x", "--limit", "-5"],
            "--limit must be at least 1.",
        ),
        (["conformer", "--layers", "0"], "--layers must be at least 1. Received: 0."),
        (["conformer", "--size", "-1"], "--size must be at least 1. Received: -1."),
        (["conformer", "--rounds", "0"], "--rounds must be at least 1. Received: 0."),
        (["attention", "{tmp}", "--wav", "x", "--out", "{tmp}", "--start", "inf"], "--start must be 0 or more"),
        (["attention", "{tmp}", "--wav", "x", "--out", "{tmp}", "--seconds", "inf"], "--seconds above 0"),
        (["attention", "{tmp}", "--wav", "x", "--out", "{tmp}", "--seconds", "0"], "--seconds above 0"),
    ],
)
def test_count_that_leaves_nothing_is_refused(arguments, message, bundle_path, tmp_path, capsys):
    assert cli.main([word.format(bundle=bundle_path, tmp=tmp_path) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
