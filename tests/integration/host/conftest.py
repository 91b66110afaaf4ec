"""The whole firmware as a program of this machine, and recordings for it."""

import pytest

from tests.support import clip_files, firmware


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    """Folders of labels, with one recording each."""
    folder = tmp_path_factory.mktemp("audio")
    clip_files.write_wav(folder / "yes/clicks.wav", clip_files.clicks())
    clip_files.write_wav(folder / "no/noise.wav", clip_files.noise(1))
    clip_files.write_wav(folder / "bird/chirp.wav", clip_files.chirp())
    clip_files.write_wav(folder / "stop/word.wav", clip_files.word())
    clip_files.write_wav(folder / "_background_noise_/long.wav", clip_files.noise(2))
    return folder


@pytest.fixture(scope="module")
def program():
    """The firmware."""
    return firmware.real_firmware()


@pytest.fixture(scope="module")
def board(program):
    """The firmware, running."""
    with firmware.running(program) as board:
        yield board
