"""Downloads, verifies and unpacks an archive.

Nothing is unpacked before the SHA-256 of the whole archive is right, and a folder appears under its name only when it
is complete.
"""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, cast

from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.archives import MEGABYTE, Archive
from kws_training.data.download import download

STAMP = ".fetched.json"


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
        download(archive, part, attempts, timeout_s, wait_s)
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
            f"{out}: {archive.folder} needs {need / MEGABYTE:.0f} MB there, {free / MEGABYTE:.0f} MB are free. "
            "Make room, or choose another --out."
        )


def _verify(archive: Archive, path: Path) -> None:
    digest, done = hashlib.sha256(), 0
    progress = Progress(f"checking {archive.file}, MB", archive.size_bytes // MEGABYTE)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
            done += len(block)
            progress.update(done // MEGABYTE)
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
    progress = Progress(f"unpacking {archive.file}, MB", archive.size_bytes // MEGABYTE)
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
                progress.update(raw.tell() // MEGABYTE)
        stamp = {"url": archive.url, "sha256": archive.sha256}
        (partial / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
        partial.replace(target)
    except (tarfile.TarError, EOFError) as error:
        raise KwsError(f"{path.name}: is not a whole tar archive ({error}). Delete it and run again.") from error
    except OSError as error:
        raise KwsError(f"{target}: cannot be unpacked ({error.strerror or error}). Make room and run again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
