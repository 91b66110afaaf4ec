"""Downloads, verifies and unpacks the official Speech Commands archives.

A download that was interrupted continues where it stopped (HTTP Range), if the server can do that. Nothing is unpacked
before the SHA-256 of the whole archive is right, and a folder appears under its name only when it is complete.
"""

import dataclasses
import hashlib
import http.client
import json
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

_BLOCK_BYTES = 1 << 18
_MEGABYTE = 1_000_000
STAMP = ".fetched.json"


@dataclasses.dataclass(frozen=True)
class Archive:
    """One archive and what is known about it.

    Attributes:
      url: where it is.
      size_bytes: its size.
      sha256: its digest, as published by TensorFlow Datasets and torchaudio for the official archives.
      folder: name of the folder that it becomes.
      unpacked_bytes: room that its files need.
    """

    url: str
    size_bytes: int
    sha256: str
    folder: str
    unpacked_bytes: int

    @property
    def file(self) -> str:
        """Name of the archive's file."""
        return self.url.rsplit("/", 1)[-1]


_OFFICIAL = "https://storage.googleapis.com/download.tensorflow.org/data/"
ARCHIVES = {
    "train": Archive(
        url=_OFFICIAL + "speech_commands_v0.02.tar.gz",
        size_bytes=2_428_923_189,
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        folder="speech_commands_v0.02",
        unpacked_bytes=3_800 * _MEGABYTE,
    ),
    "test": Archive(
        url=_OFFICIAL + "speech_commands_test_set_v0.02.tar.gz",
        size_bytes=112_563_277,
        sha256="cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        folder="speech_commands_test_set_v0.02",
        unpacked_bytes=180 * _MEGABYTE,
    ),
}


def fetch(
    archive: Archive,
    out: Path,
    *,
    keep_archive: bool = False,
    attempts: int = 5,
    timeout_s: float = 30.0,
    wait_s: float = 2.0,
) -> tuple[Path, bool]:
    """Brings one archive onto this machine: download, verify, unpack.

    Args:
      archive: what to fetch.
      out: folder for the unpacked folder and, meanwhile, the archive.
      keep_archive: leave the archive there afterwards.
      attempts: how often in a row a connection may fail without a new byte.
      timeout_s: silence of the server that counts as failed.
      wait_s: pause before the second attempt; doubled for each further one.

    Returns:
      The unpacked folder, and whether it was made now (False: it was there already).

    Raises:
      KwsError: no connection, wrong size or digest, not enough room, or an archive that is unsafe to unpack.
    """
    target = out / archive.folder
    if _is_fetched(target, archive):
        return target, False
    if target.exists():
        raise KwsError(f"{target}: is there, but was not made by this command. Move it away, or choose another --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KwsError(f"{out}: cannot be made ({error.strerror}). Choose another --out.") from error
    path = out / archive.file
    if not (path.is_file() and path.stat().st_size == archive.size_bytes):
        part = path.with_name(path.name + ".part")
        _require_room(out, archive, part)
        _download(archive, part, attempts, timeout_s, wait_s)
        part.replace(path)
    _verify(archive, path)
    _unpack(archive, path, target)
    if not keep_archive:
        path.unlink()
    return target, True


def _is_fetched(target: Path, archive: Archive) -> bool:
    try:
        return json.loads((target / STAMP).read_text())["sha256"] == archive.sha256
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _require_room(out: Path, archive: Archive, part: Path) -> None:
    have = part.stat().st_size if part.is_file() else 0
    need, free = archive.size_bytes - have + archive.unpacked_bytes, shutil.disk_usage(out).free
    if free < need:
        raise KwsError(
            f"{out}: {archive.folder} needs {need / _MEGABYTE:.0f} MB there, {free / _MEGABYTE:.0f} MB are free. "
            "Make room, or choose another --out."
        )


def _download(archive: Archive, part: Path, attempts: int, timeout_s: float, wait_s: float) -> None:
    progress = Progress(f"{archive.file}, MB", archive.size_bytes // _MEGABYTE)
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
                    progress.update(done // _MEGABYTE)
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            raise KwsError(
                f"{part}: cannot be written ({error.strerror or error}). Make room and run again."
            ) from error


def _write(file: BinaryIO, block: bytes) -> None:
    file.write(block)


def _verify(archive: Archive, path: Path) -> None:
    digest, done = hashlib.sha256(), 0
    progress = Progress(f"checking {archive.file}, MB", archive.size_bytes // _MEGABYTE)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            done += len(block)
            progress.update(done // _MEGABYTE)
    if digest.hexdigest() != archive.sha256:
        path.unlink()
        raise KwsError(
            f"{path.name}: SHA-256 is {digest.hexdigest()}, expected {archive.sha256}: the download is damaged and was "
            "removed. Run the same command again."
        )


def _unpack(archive: Archive, path: Path, target: Path) -> None:
    """Unpacks beside the target and renames at the end. Only files and folders inside it are accepted.

    Not tarfile's own ``filter="data"``: Python 3.11.2, which Debian 12 has, lacks it.
    """
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    progress = Progress(f"unpacking {archive.file}, MB", archive.size_bytes // _MEGABYTE)
    made = set()
    try:
        with path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:gz") as tar:
            partial.mkdir()
            for member in tar:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                    raise KwsError(
                        f"{path.name}: refuses to unpack {member.name!r}: not a plain file inside its folder."
                    )
                if member.isfile():
                    output = partial / name
                    if output.parent not in made:
                        output.parent.mkdir(parents=True, exist_ok=True)
                        made.add(output.parent)
                    with output.open("wb") as file, cast(IO[bytes], tar.extractfile(member)) as content:
                        shutil.copyfileobj(content, file)
                progress.update(raw.tell() // _MEGABYTE)
        stamp = {"url": archive.url, "sha256": archive.sha256}
        (partial / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
        partial.replace(target)
    except (tarfile.TarError, EOFError) as error:
        raise KwsError(f"{path.name}: is not a whole tar archive ({error}). Delete it and run again.") from error
    except OSError as error:
        raise KwsError(f"{target}: cannot be unpacked ({error.strerror or error}). Make room and run again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
