"""The model of registers that tests of drivers run on."""

import subprocess

import pytest

from tests.support import drivers


@pytest.fixture(scope="module")
def program():
    return drivers.build("register_model_test", [drivers.MODEL / "register_model_test.cc"])


def test_register_model_does_what_a_chip_does(program):
    result = subprocess.run([program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("nothing", "an access to nothing (0x40001000)"),
        ("odd", "an address that is not a word's (0x40000002)"),
        ("sleep", "the core sleeps, and nothing will wake it"),
        ("standing", "a handler leaves the cause of its interrupt standing"),
    ],
)
def test_register_model_mistake_of_a_driver_ends_the_test(program, mistake, message):
    result = subprocess.run([program, mistake], capture_output=True, text=True)
    assert result.returncode == 1 and message in result.stderr
