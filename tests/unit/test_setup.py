"""Set-up on a machine that lacks something: installs it, or says in one line what to do."""

import os
import shutil
import subprocess

import pytest

from tests.support.native import ROOT

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
