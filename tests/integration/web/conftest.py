"""The page, built once, in a browser of its own for each module."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kws_firmware import web
from kws_host.demo_words import WORDS, write_wav
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError

from tests.support.chromium import chromium, serving


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory) -> Path:
    """Folder of the page with the released models, below one that is served: no address in it may be absolute."""
    try:
        web.compiler()
    except KwsError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("site") / "some" / "where"
    web.build(list(web.RELEASED), folder)
    return folder


@pytest.fixture(scope="session")
def address(page_folder) -> Iterator[str]:
    """Where the page is served."""
    with serving(page_folder.parents[1]) as root:
        yield f"{root}some/where/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser whose microphone beeps."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def words(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """The demo's 49 words as one recording: the file and its PCM."""
    pcm = np.concatenate([read_wav(path) for path in sorted(WORDS.rglob("*.wav"))])
    path = tmp_path_factory.mktemp("words") / "words.wav"
    write_wav(path, pcm)
    return path, pcm
