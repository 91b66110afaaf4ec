"""The whole firmware as a program of this machine, and recordings for it."""

import pytest

from tests.support import clip_files, firmware


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    """Folders of labels, with one recording each."""
    return clip_files.write_labelled_folder(tmp_path_factory.mktemp("audio"))


@pytest.fixture(scope="module")
def program():
    """The firmware."""
    return firmware.real_firmware()


@pytest.fixture(scope="module")
def board(program):
    """The firmware, running."""
    with firmware.running(program) as board:
        yield board
