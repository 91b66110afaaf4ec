"""Budgets agree with the list of boards; what exceeds them is named, with what grew."""

import dataclasses

import pytest
from kws_firmware import budgets, size_report, sizes
from kws_firmware.boards import load_board
from kws_reference.errors import KwsError

SMALL = sizes.Sizes(flash=1000, ram=300, ram_without_stack=100, symbols={})


def test_budgets_and_symbol_lists_are_of_the_boards_that_are_compiled_for_a_chip():
    names = set(budgets.load_budgets())
    assert names == {path.stem for path in sizes.BASELINES.glob("*.csv")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a budget for each of chip, emulated. Received: "),
        ("[chip]\nflash = 1\nram = 1\n", "Received: chip"),
        ("[chip]\nflash = 1\n[emulated]\nflash = 1\nram = 1\n", "[chip] must hold flash, ram. Received"),
        (
            "[chip]\nflash = 1\nram = 1\n[emulated]\nflash = 1\nram = 1\n",
            "[emulated] must hold flash, instructions, ram, stack. Received",
        ),
        ("[chip", "cannot read"),
    ],
)
def test_budgets_that_do_not_fit_the_boards_are_refused(tmp_path, text, message):
    emulated = load_board("mps2_an386")
    boards = {"chip": dataclasses.replace(emulated, icount_shift=None), "emulated": emulated}
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(KwsError) as error:
        budgets.load_budgets(path, boards)
    assert message in str(error.value)


def test_budget_of_a_board_without_emulator_needs_no_figures_of_one(tmp_path):
    path = tmp_path / "budget.toml"
    path.write_text("[chip]\nflash = 1\nram = 2\n")
    chip = dataclasses.replace(load_board("mps2_an386"), icount_shift=None)
    assert budgets.load_budgets(path, {"chip": chip}) == {"chip": {"flash": 1, "ram": 2}}
    assert budgets.over_budget(SMALL, {"flash": 1000, "ram": 299}) == ["ram: 300 bytes, budget 299 (1 too many)"]


def test_over_budget_names_what_and_how_much():
    assert budgets.over_budget(SMALL, {"flash": 1000, "ram": 300, "stack": 50}, 50) == []
    assert budgets.over_budget(SMALL, {"flash": 999, "ram": 200, "stack": 50}, 51) == [
        "flash: 1,000 bytes, budget 999 (1 too many)",
        "ram: 300 bytes, budget 200 (100 too many)",
        "stack: 51 bytes, budget 50 (1 too many)",
    ]


def test_differences_largest_first_and_new_and_gone():
    lines = sizes.differences({"a": 100, "b": 50, "gone": 40, "same": 64}, {"a": 200, "b": 45, "new": 400, "same": 64})
    assert [line.split()[:2] for line in lines] == [["+400", "new"], ["+100", "a"], ["-40", "gone"], ["-5", "b"]]


def test_size_report_missing_image_one_line_and_exit_2(tmp_path, capsys):
    assert size_report.main(["--env", "mps2_an386", "--build-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: no firmware at") and error.count("\n") == 1


def test_size_report_board_without_budget_exit_2(capsys):
    assert size_report.main(["--env", "nowhere"]) == 2
    assert "Received: nowhere" in capsys.readouterr().err
