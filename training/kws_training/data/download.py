"""A download that continues where it stopped (HTTP Range), if the server can do that."""

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.archives import MEGABYTE, Archive

_BLOCK_BYTES = 1 << 18


def download(archive: Archive, part: Path, attempts: int, timeout_s: float, wait_s: float) -> None:
    """Brings the bytes of an archive into a file, on from those that are there.

    Args:
      archive: what to download.
      part: the file, which may hold a beginning.
      attempts: how often in a row a connection may fail without a new byte.
      timeout_s: silence of the server that counts as failed.
      wait_s: pause before the second attempt; doubled for each further one.

    Raises:
      KwsError: no connection, the server has another file, or the bytes cannot be written.
    """
    progress = Progress(f"{archive.file}, MB", archive.size_bytes // MEGABYTE)
    failures, have = 0, part.stat().st_size if part.is_file() else 0
    if have > archive.size_bytes:
        part.unlink()
        have = 0
    while have < archive.size_bytes:
        try:
            _transfer(archive, part, have, timeout_s, progress)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            if error.code == 416:  # our part does not fit what the server has: start again
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise KwsError(
                    f"{archive.url}: the server says {error.code} {error.reason}. Check the address."
                ) from None
            reason = f"the server says {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        except ValueError as error:
            raise KwsError(f"{archive.url}: {error}. Check the address.") from None
        before, have = have, part.stat().st_size if part.is_file() else 0
        if have >= archive.size_bytes:
            break
        failures = failures + 1 if have <= before else 1
        if failures >= attempts:
            raise KwsError(
                f"{archive.url}: download failed after {have} of {archive.size_bytes} bytes "
                f"({reason}). Check the network and run the same command again: it continues from there."
            )
        time.sleep(wait_s * 2 ** (failures - 1))


def _transfer(archive: Archive, part: Path, have: int, timeout_s: float, progress: Progress) -> None:
    """Appends to ``part`` what one connection gives."""
    request = urllib.request.Request(archive.url, headers={"User-Agent": "kws-kit"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        resumed = have > 0 and response.status == 206
        sent = response.headers.get("Content-Range", "")
        if resumed and not sent.startswith(f"bytes {have}-"):
            raise urllib.error.URLError(f"asked for bytes from {have}, the server sends {sent!r}")
        start = have if resumed else 0  # a server without Range sends everything again
        length = response.headers.get("Content-Length")
        if length is not None and start + int(length) != archive.size_bytes:
            raise KwsError(
                f"{archive.url}: the server's file has {start + int(length)} bytes, expected {archive.size_bytes}. "
                "It is not the official archive; check the address."
            )
        try:
            with part.open("ab" if resumed else "wb") as file:
                done = start
                while done < archive.size_bytes and (block := response.read(_BLOCK_BYTES)):
                    _write(file, block)
                    done += len(block)
                    progress.update(done // MEGABYTE)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            raise KwsError(
                f"{part}: cannot be written ({error.strerror or error}). Make room and run again."
            ) from error


def _write(file: BinaryIO, block: bytes) -> None:
    file.write(block)
