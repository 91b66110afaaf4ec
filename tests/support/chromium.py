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
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FAR_AWAY = "kws.test"
"""Leads to this machine, but browsers take it for another: pages come from there without https."""
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
      hears: a WAV that the microphone plays once; None: there is a microphone that beeps. Every page may have it.

    One at a time: Playwright's driver blocks its thread for others, and for asyncio, until it ends.
    """
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is missing (pip install .[dev])")
    program = next(filter(None, map(shutil.which, (os.environ.get("KWS_CHROMIUM", ""), *NAMES))), None)
    if program is None:
        pytest.skip("Chromium is missing (.ci/system_packages.sh test installs it; or KWS_CHROMIUM=/path/to/it)")
    flags = ["--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", *arguments]
    flags.append(f"--host-resolver-rules=MAP {FAR_AWAY} 127.0.0.1")
    if hears is not None:
        flags.append(f"--use-file-for-fake-audio-capture={hears}%noloop")
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_of(
    browser: Any, address: str, *, faults: Sequence[str] = (), scripts: Sequence[Path] = (), **options: Any
) -> Iterator[Any]:
    """Opens an address in a context of its own; asserts afterwards that no script failed and nothing left the machine.

    Args:
      browser: of `chromium`.
      address: of the page, or ``about:blank``.
      faults: parts of messages on the browser's console that are expected.
      scripts: that run before the page's.
      **options: of Playwright's contexts.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(DEADLINE_MS)
    found: list[str] = []
    for script in scripts:
        context.add_init_script(path=script)
    page = context.new_page()
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if _is_here(request.url) else found.append(request.url))

    def check() -> None:
        unexpected = [line for line in found if not any(part in line for part in faults)]
        assert not unexpected, unexpected

    try:
        page.goto(address)
        check()  # a page whose scripts do not start needs no deadline
        yield page
        check()
    finally:
        context.close()


def _is_here(address: str) -> bool:
    """Whether an address leads to this machine, or nowhere."""
    parts = urlsplit(address)
    return parts.scheme in ("blob", "data", "about") or parts.hostname in ("127.0.0.1", "localhost", FAR_AWAY)
