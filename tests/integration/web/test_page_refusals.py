"""What the page says where a browser, or the folder that it was put into, cannot give what it needs."""

import shutil
from urllib.parse import urlsplit

import pytest

from tests.support import web_page
from tests.support.chromium import FAR_AWAY, page_of, serving


def refusal(page) -> str:
    page.wait_for_selector("#message[data-kind=error]")
    return page.inner_text("#message")


def test_page_without_webassembly_says_so(browser, address):
    with page_of(browser, "about:blank") as page:
        page.add_init_script("delete globalThis.WebAssembly")
        page.goto(address)
        assert "no WebAssembly" in refusal(page)


def test_page_without_vector_instructions_says_so(browser, address):
    with page_of(browser, "about:blank") as page:
        page.add_init_script("WebAssembly.validate = () => false")
        page.goto(address)
        assert "no vector instructions" in refusal(page)


def test_page_without_models_says_how_to_build_them(browser, page_folder, tmp_path):
    shutil.copytree(page_folder, tmp_path / "page", ignore=shutil.ignore_patterns("models"))
    with serving(tmp_path / "page") as root, page_of(browser, root, faults=("404",)) as page:
        assert "make web" in refusal(page)


def test_page_with_the_module_of_another_model_refuses_it(browser, page_folder, tmp_path):
    folder = tmp_path / "page"
    shutil.copytree(page_folder, folder)
    first, second = sorted(folder.glob("models/*.wasm"))
    shutil.copy(first, second)
    with serving(folder) as root, page_of(browser, root) as page:
        web_page.wait_ready(page)
        other = next(
            name
            for name in ("matchbox", "matchbox_int4")
            if page.evaluate(f"document.querySelector('#model option:checked').text !== '{name}'")
        )
        page.select_option("#model", label=other)
        assert "another model" in refusal(page)


def test_page_with_a_broken_module_says_so(browser, page_folder, tmp_path):
    folder = tmp_path / "page"
    shutil.copytree(page_folder, folder)
    for module in folder.glob("models/*.wasm"):
        module.write_bytes(module.read_bytes()[:1000])
    with serving(folder) as root, page_of(browser, root) as page:
        assert "WebAssembly" in refusal(page)


def test_page_from_another_machine_without_https_still_takes_recordings(browser, address, words):
    parts = urlsplit(address)
    with page_of(browser, f"http://{FAR_AWAY}:{parts.port}{parts.path}") as page:
        page.wait_for_selector("#message[data-kind=note]")
        assert "https" in page.inner_text("#message")
        web_page.wait_ready(page)
        page.click("#listen")
        assert "https" in refusal(page)
        web_page.play_at_once(page, words[0])
        assert page.locator("#detections li").count() > 0


@pytest.mark.parametrize(
    "name, words",
    [("NotAllowedError", "Allow it for this page"), ("NotFoundError", "no microphone"), ("Odd", "cannot be had")],
)
def test_page_that_gets_no_microphone_says_what_to_do(browser, address, name, words):
    with page_of(browser, "about:blank") as page:
        page.add_init_script(
            f"MediaDevices.prototype.getUserMedia = async () => {{ throw new DOMException('why', '{name}'); }}"
        )
        page.goto(address)
        web_page.wait_ready(page)
        page.click("#listen")
        assert words in refusal(page)
        web_page.wait_ready(page)
        assert page.inner_text("#steps") == "0"


def test_page_whose_browser_starts_no_sound_says_so(browser, address):
    with page_of(browser, "about:blank") as page:
        page.add_init_script("AudioContext.prototype.resume = () => new Promise(() => {})")
        page.goto(address)
        web_page.wait_ready(page)
        page.click("#listen")
        assert "sound does not start" in refusal(page)
        web_page.wait_ready(page)


def test_page_opened_as_a_file_says_how_to_serve_it(browser, page_folder):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"file://{page_folder}/index.html")
    assert "python -m http.server" in page.inner_text("#message")
    context.close()


def test_page_on_a_plain_web_host_says_that_no_board_is_behind_it(browser, address, words):
    with page_of(browser, address, faults=("WebSocket",)) as page:
        web_page.wait_ready(page)
        web_page.play_at_once(page, words[0])
        page.select_option("#device", "server")
        assert "kws-host live" in refusal(page)
        page.select_option("#device", "wasm")
        page.wait_for_selector("#message:empty", state="attached")
        web_page.play_at_once(page, words[0])
        assert web_page.message(page)[0] == "done"
