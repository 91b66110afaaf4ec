"""Set-up on a machine that lacks something: installs it, or says in one line what to do."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

PACKAGES = ROOT / ".ci" / "system_packages.sh"
QUIET = ROOT / ".ci" / "quiet.sh"
BASICS = ("sh", "dirname", "mkdir", "date", "sleep", "tail", "head", "find", "env", "cat", "touch", "chmod")


@pytest.fixture
def bare(tmp_path):
    """A machine with a shell and nothing else: returns its folder of programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in BASICS:
        (programs / name).symlink_to(shutil.which(name))
    return programs


def program(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(bare, *command):
    return subprocess.run(
        [str(word) for word in command], cwd=bare.parent, env={"PATH": str(bare)}, capture_output=True, text=True
    )


def test_system_packages_without_apt_names_what_to_install_by_hand(bare):
    result = run(bare, PACKAGES, "demo")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    for package in ("gcc-arm-none-eabi", "libstdc++-arm-none-eabi-newlib", "qemu-system-arm", "by hand"):
        assert package in result.stderr


@pytest.mark.parametrize("sudo", [None, "exit 1"])
def test_system_packages_without_root_names_the_command(bare, sudo):
    program(bare, "apt-get", "exit 0")
    program(bare, "id", "echo 1000")
    if sudo:
        program(bare, "sudo", sudo)
    result = run(bare, PACKAGES, "voices")
    assert result.returncode == 2
    assert "sudo apt-get install --no-install-recommends espeak-ng flite" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("user", ["0", "1000"])
def test_system_packages_installs_only_what_is_missing(bare, user):
    log = bare.parent / "apt.log"
    program(bare, "apt-get", f'echo "$@" >>{log}; cp_to={bare}/flite; echo "#!/bin/sh" >$cp_to; chmod +x $cp_to')
    program(bare, "id", f"echo {user}")
    program(bare, "sudo", 'shift; [ "$1" = true ] || "$@"')
    (bare / "true").symlink_to(shutil.which("true"))
    program(bare, "espeak-ng", "exit 0")
    result = run(bare, PACKAGES, "voices")
    assert result.returncode == 0, result.stderr
    update, install = log.read_text().splitlines()
    assert update.endswith(" update") and install.endswith("install -y --no-install-recommends flite")
    assert run(bare, PACKAGES, "voices").stderr == ""


def test_system_packages_failing_apt_shows_the_end_of_its_log(bare):
    program(bare, "apt-get", "echo no network here; exit 100")
    program(bare, "id", "echo 0")
    result = run(bare, PACKAGES, "voices")
    assert result.returncode == 2
    assert "no network here" in result.stderr and "build/logs/apt-update.log" in result.stderr


def test_system_packages_unknown_purpose_is_refused(bare):
    result = run(bare, PACKAGES, "deom")
    assert result.returncode == 2 and "deom" in result.stderr


def test_quiet_shows_one_line_and_keeps_the_log(tmp_path):
    result = subprocess.run(
        [QUIET, "Working", tmp_path / "logs/a.log", "echo", "hidden"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stdout == "" and result.stderr.startswith("Working ") and result.stderr.count("\n") == 1
    assert (tmp_path / "logs/a.log").read_text() == "hidden\n"


def test_quiet_failure_shows_the_log_and_the_status(tmp_path):
    command = [QUIET, "Working", tmp_path / "a.log", "sh", "-c", "echo reason; exit 3"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 3
    assert "reason" in result.stderr and "exit status 3" in result.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_a_recent_python_is_one_clear_line(tmp_path):
    environment = {**os.environ, "PATH": os.environ["PATH"]}
    command = ["make", "--no-print-directory", "-C", ROOT, "venv-demo", f"VENV={tmp_path}/venv", "PYTHON="]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert result.stderr.startswith("error: no Python 3.11 or newer")
    assert not (tmp_path / "venv").exists()


@pytest.fixture
def kit(tmp_path):
    """A copy of the Makefile in a folder with an odd name; the kws-host of its environment shows what it receives."""
    folder = tmp_path / "a b,c=d (é)'x%#@&;"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    program(programs, "kws-host", "printf '[%s]' \"$@\"")
    return folder


def make(folder, *words):
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("name", ["my words", "a'b", 'a"b', "a&b;c", "(1)", "`id`", "x*y", "wörter"])
def test_make_demo_hands_folder_names_on_as_they_are(kit, name):
    result = make(kit, "demo", "-o", "firmware", f"AUDIO={name}", f"BUNDLE={name}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"[check][--emulate][mps2_an386][--bundle][{name}][{name}]"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("venv", ["my venv", "a'b", "a$$b", "a(b", "a:b", ""])
def test_make_with_an_environment_that_it_cannot_name_is_one_clear_line(kit, venv):
    result = make(kit, "clean", f"VENV={venv}")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "error: VENV must be a folder without spaces" in result.stderr and f"Received: {venv}" in result.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("name", ["a:b", "a$b", 'a"b', "a`b", "a\\b"])
def test_make_in_a_folder_that_its_tools_cannot_name_is_one_clear_line(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    result = make(folder, "demo")
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert "error: the kit's folder must hold none of" in result.stderr and str(folder) in result.stderr
    assert [path.name for path in folder.iterdir()] == ["Makefile"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_in_a_folder_whose_name_is_not_utf8_is_one_clear_line(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    shutil.copy(ROOT / "Makefile", os.fsdecode(folder))
    command = ["make", "demo", f"PYTHON={sys.executable}"]
    result = subprocess.run(command, cwd=folder, capture_output=True)
    assert result.returncode == 2 and result.stderr.count(b"\n") == 1
    assert b"error: the kit's folder must have a name in UTF-8" in result.stderr
    assert os.listdir(folder) == [b"Makefile"]
