"""Every integer that the page shows of a recording is the reference's."""

import csv
from pathlib import Path

import numpy as np
import pytest
from kws_firmware import web
from kws_host.demo_words import write_wav
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle

from tests.support import web_page
from tests.support.chromium import page_of

DROP = """async ([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""


@pytest.mark.parametrize("bundle", web.RELEASED, ids=lambda path: path.name)
def test_page_with_recording_gives_every_integer_of_the_reference(browser, address, words, tmp_path, bundle):
    path, pcm = words
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        web_page.choose_model(page, Bundle.load(bundle).name)
        web_page.play_at_once(page, path)
        found = web_page.saved_steps(page, tmp_path)
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path))
        shown = page.locator("#detections li b").all_inner_texts()
    assert np.array_equal(heard, pcm)
    expected = web_page.expected_steps(bundle, pcm)
    assert web_page.without_times(found["steps"]) == expected
    detected = [found["labels"][step["detection"]["label"]] for step in expected if step["detection"]]
    assert detected and shown == detected[::-1]
    assert found["dropped_samples"] == 0 and found["model_sha256"] == Bundle.load(bundle).model_sha256


def test_page_where_a_recording_is_dropped_forgets_the_one_before(browser, address, words, tmp_path):
    pcm = words[1][16000 : 16000 + 40000]
    clip = tmp_path / "clip.wav"
    write_wav(clip, pcm)
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        web_page.play_at_once(page, words[0])
        page.evaluate(DROP, ["clip.wav", list(clip.read_bytes())])
        page.wait_for_selector("#steps:text-is('124')")
        web_page.wait_ready(page)
        found = web_page.saved_steps(page, tmp_path)
        rows = list(csv.DictReader(web_page.saved(page, "save-csv", tmp_path).open(encoding="utf-8")))
    expected = web_page.expected_steps(Path(web.RELEASED[0]), pcm)
    assert web_page.without_times(found["steps"]) == expected
    labels = found["labels"]
    assert [[int(row[label]) for label in labels] for row in rows] == [step["scores"] for step in expected]
    assert [row["top_label"] for row in rows] == [labels[step["top_label"]] for step in expected]
    assert [int(row["audio_crc"]) for row in rows] == [step["audio_crc"] for step in expected]
    assert float(rows[0]["end_s"]) == 0.04  # window and one hop


def test_page_asked_for_it_plays_spoken_words_in_real_time_and_stops(browser, address, tmp_path):
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        page.click("#demo")
        page.wait_for_selector("#detections li")
        page.click("#stop")
        web_page.wait_ready(page)
        found = web_page.saved_steps(page, tmp_path)
        heard = read_wav(web_page.saved(page, "save-wav", tmp_path))
        latency = page.inner_text("#latency")
    assert web_page.without_times(found["steps"]) == web_page.expected_steps(Path(web.RELEASED[0]), heard)
    assert len(heard) < 5 * 16000 and latency.endswith(" ms")


def test_page_where_models_are_chosen_in_haste_runs_the_last(browser, address, words, tmp_path):
    script = """(texts) => {
        const list = document.getElementById("model");
        for (const text of texts) {
            list.value = [...list.options].find((option) => option.text === text).value;
            list.dispatchEvent(new Event("change"));
        }
    }"""
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        page.evaluate(script, ["matchbox_int4", "matchbox", "matchbox_int4", "matchbox", "matchbox_int4"])
        page.wait_for_selector("#facts dd:text-is('matchbox_int4')", state="attached")
        web_page.wait_ready(page)
        assert web_page.message(page) == ("", "")
        web_page.play_at_once(page, words[0])
        found = web_page.saved_steps(page, tmp_path)
    assert found["model_name"] == "matchbox_int4" and len(found["steps"]) == 2449
