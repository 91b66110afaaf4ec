"""The page's microphone, for which the browser plays the demo's words."""

from pathlib import Path

import numpy as np
import pytest
from kws_firmware import web
from kws_reference.audio.pcm import read_wav

from tests.support import web_page
from tests.support.chromium import chromium, page_of


@pytest.fixture(scope="module")
def browser(words):
    with chromium(hears=words[0]) as running:
        yield running


REFUSES_RATES = """
    const plain = AudioContext;
    globalThis.AudioContext = class extends plain {
        constructor(options) {
            if (options?.sampleRate) throw new DOMException("another rate", "NotSupportedError");
            super(options);
        }
    };
"""


@pytest.mark.parametrize(
    ("script", "listens_s", "detections"),
    [("", 49, 8), (REFUSES_RATES, 0, 1)],
    ids=["all words, by the browser", "by the page"],
)
def test_page_listening_gives_every_integer_of_the_reference(
    browser, address, words, tmp_path, script, listens_s, detections
):
    """Whoever converts the microphone's rate. The detector finds ten in the 49 words as they stand, without pauses."""
    with page_of(browser, "about:blank", reduced_motion="reduce") as page:
        page.add_init_script(script)
        page.goto(address)
        web_page.wait_ready(page)
        assert page.evaluate("new AudioContext().sampleRate") != 16000
        page.click("#listen")
        page.wait_for_timeout(1000 * listens_s)
        page.wait_for_selector(f"#detections li:nth-child({detections})")
        page.click("#stop")
        web_page.wait_ready(page)
        found = web_page.saved_steps(page, tmp_path)
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path))
        announced = page.text_content("#announcer")
    assert len(heard) > 0.9 * 16000 * listens_s
    expected = web_page.expected_steps(Path(web.RELEASED[0]), heard)
    assert web_page.without_times(found["steps"]) == expected
    detected = [found["labels"][step["detection"]["label"]] for step in expected if step["detection"]]
    assert len(detected) >= detections and announced.startswith(f"Heard: {detected[-1]},")
    # The browser converts the file to its devices' rate and back: the same sound, not the same samples.
    assert _similarity(heard, words[1]) > 0.9


def _similarity(heard: np.ndarray, played: np.ndarray) -> float:
    """Largest correlation of a second of what was heard with what was played."""
    loudest = int(np.argmax(np.convolve(np.abs(heard.astype(float)), np.ones(8000), "valid")))
    part, played = heard[loudest : loudest + 8000].astype(float), played.astype(float)
    energies = np.convolve(played**2, np.ones(len(part)), "valid")
    return float((np.correlate(played, part) / np.sqrt(np.maximum(energies, 1) * (part @ part))).max())
