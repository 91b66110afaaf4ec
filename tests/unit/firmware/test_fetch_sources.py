"""Third-party firmware sources: only the pinned bytes are unpacked, once, and whole."""

import hashlib
import subprocess
import sys
import zipfile

import pytest

MODULE = ("-m", "kws_firmware.fetch_sources")
MEMBERS = {
    "pack/vendor/kernels/LICENSE.txt": "licence",
    "pack/vendor/kernels/Source/a.c": "int a;",
    "pack/vendor/other/b.c": "int b;",
}
PINS = """
[[archive]]
package = "pack"
version = "1.0"
file = "pack-1.0-py3-none-any.whl"
sha256 = "{sha256}"
[[archive.folder]]
from = "pack/vendor/kernels"
to = "{to}"
licence = "LICENSE.txt"
"""


def make(tmp_path, members=MEMBERS, sha256=None, to="kernels"):
    path = tmp_path / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    sha256 = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "sources.toml").write_text(PINS.format(sha256=sha256, to=to))


def fetch(tmp_path, *options, archives=True):
    command = [sys.executable, *MODULE, "--pins", tmp_path / "sources.toml", "--out", tmp_path / "out", *options]
    command += ["--archives", tmp_path] if archives else []
    return subprocess.run(command, capture_output=True, text=True)


def test_fetch_sources_unpacks_the_named_folder_with_its_licence(tmp_path):
    make(tmp_path)
    result = fetch(tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/kernels/LICENSE.txt").read_text() == "licence"
    assert (tmp_path / "out/kernels/Source/a.c").read_text() == "int a;"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["kernels"]


def test_fetch_sources_second_run_changes_nothing_and_needs_no_archive(tmp_path):
    make(tmp_path)
    fetch(tmp_path)
    (tmp_path / "pack-1.0-py3-none-any.whl").unlink()
    before = (tmp_path / "out/kernels/Source/a.c").stat().st_mtime_ns
    result = fetch(tmp_path)
    assert (result.returncode, result.stdout) == (0, "")
    assert (tmp_path / "out/kernels/Source/a.c").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["change", "add", "remove"])
def test_fetch_sources_damaged_folder_is_found_and_restored(tmp_path, damage):
    make(tmp_path)
    fetch(tmp_path)
    source = tmp_path / "out/kernels/Source/a.c"
    if damage == "change":
        source.write_text("int c;")
    elif damage == "add":
        source.with_name("x.c").write_text("int x;")
    else:
        source.unlink()
    assert fetch(tmp_path, "--check").returncode == 1
    assert fetch(tmp_path).returncode == 0
    assert fetch(tmp_path, "--check").returncode == 0
    assert source.read_text() == "int a;" and not source.with_name("x.c").exists()


def test_fetch_sources_wrong_hash_is_refused_and_nothing_is_unpacked(tmp_path):
    make(tmp_path, sha256="0" * 64)
    result = fetch(tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert "expected 000000" in result.stderr
    assert not list((tmp_path / "out").iterdir())


def test_fetch_sources_wrong_hash_from_the_network_client_is_refused(tmp_path):
    """The client's own refusal is passed on: here pip finds the file in a local folder, with another hash."""
    make(tmp_path, members={**MEMBERS, "pack-1.0.dist-info/METADATA": "Name: pack\nVersion: 1.0\n"}, sha256="1" * 64)
    environment = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "HOME": str(tmp_path)}
    environment["PIP_CONFIG_FILE"] = "/dev/null"
    command = [sys.executable, *MODULE, "--pins", tmp_path / "sources.toml", "--out", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert "SHA-256 differs" in result.stderr and result.stderr.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())


def test_fetch_sources_without_network_is_one_clear_line(tmp_path):
    make(tmp_path)
    environment = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}
    command = [sys.executable, *MODULE, "--pins", tmp_path / "sources.toml", "--out", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert "--archives FOLDER" in result.stderr and result.stderr.count("\n") == 1


def test_fetch_sources_path_outside_of_the_folder_is_refused(tmp_path):
    make(tmp_path, members={**MEMBERS, "pack/vendor/kernels/../../../evil.c": "int e;"})
    result = fetch(tmp_path)
    assert result.returncode == 2 and "outside" in result.stderr
    assert not list(tmp_path.rglob("evil.c"))
    make(tmp_path, to="../kernels")
    result = fetch(tmp_path)
    assert result.returncode == 2 and "plain folder name" in result.stderr


def test_fetch_sources_missing_folder_or_no_zip_is_one_clear_line(tmp_path):
    make(tmp_path, members={"pack/other.c": "int o;"})
    result = fetch(tmp_path)
    assert result.returncode == 2 and "holds no pack/vendor/kernels/LICENSE.txt" in result.stderr
    (tmp_path / "pack-1.0-py3-none-any.whl").write_text("no zip")
    (tmp_path / "sources.toml").write_text(PINS.format(sha256=hashlib.sha256(b"no zip").hexdigest(), to="kernels"))
    result = fetch(tmp_path)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
