"""A headless Chromium in front of pages that this machine serves: Debian's, driven by Playwright."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
DEADLINE_MS = 60_000
"""Ends what would hang; nothing is proven by it."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serves a folder as ``python -m http.server`` does, on a free port of this machine. Gives its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium(*arguments: str, hears: Path | None = None) -> Iterator[Any]:
    """A browser (Playwright's `Browser`) without a window.

    Args:
      *arguments: further ones of Chromium.
      hears: a WAV that the microphone plays once; None: there is a microphone that beeps. It is allowed to every page.
    """
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is missing (pip install .[dev])")
    program = next(filter(None, map(shutil.which, (os.environ.get("KWS_CHROMIUM", ""), *NAMES))), None)
    if program is None:
        pytest.skip("Chromium is missing (.ci/system_packages.sh test installs it; or KWS_CHROMIUM=/path/to/it)")
    microphone: Sequence[str] = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    if hears is not None:
        microphone = (*microphone, f"--use-file-for-fake-audio-capture={hears}%noloop")
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, headless=True, args=[*root, "--disable-gpu", *microphone, *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of(
    browser: Any, address: str, root: str = "", scripts: Sequence[Path] = (), **options: Any
) -> Iterator[Any]:
    """Opens an address in a context of its own (options: Playwright's), and asserts afterwards that no script failed.

    What the page asks of other machines is refused and fails the test, too.

    Args:
      browser: of `chromium`.
      address: of the page.
      root: what all addresses of its begin with; "": the page's own.
      scripts: that run before the page's.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(DEADLINE_MS)
    faults: list[str] = []
    for script in scripts:
        context.add_init_script(path=script)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    own = (root or address.split("?")[0], "blob:", "data:")
    page.on("request", lambda request: None if request.url.startswith(own) else faults.append(request.url))
    page.goto(address)
    try:
        yield page
        assert not faults, faults
    finally:
        context.close()
