"""The emulator's launcher, as far as it needs no emulator."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kws_firmware.boards
import pytest
from kws_host import cli, project
from kws_host.emulator import Emulator, EmulatorConfig, background, run
from kws_host.emulator.boards import board_facts, emulated_boards
from kws_host.emulator.qemu import command_line, reason_in
from kws_reference.cli.program import termination_cleans_up
from kws_reference.errors import KwsError


@pytest.fixture
def elf(tmp_path):
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"\x7fELF")
    return path


@pytest.fixture
def qemu(tmp_path):
    """A program that listens as QEMU would, sleeps, and ends on SIGTERM."""
    path = tmp_path / "fake-qemu"
    path.write_text(
        f"#!{sys.executable}\n"
        "import re, socket, sys, time\n"
        "match = re.search(r'port=(\\d+)', ' '.join(sys.argv))\n"
        "if match:\n"
        "    server = socket.socket()\n"
        "    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "    server.bind(('127.0.0.1', int(match[1])))\n"
        "    server.listen()\n"
        "    time.sleep(60)\n"
        "sys.exit(7)\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "RECORDS", tmp_path / "records")


def config(elf, qemu, **changes):
    return EmulatorConfig("mps2_an386", elf, qemu=qemu, **changes)


def test_boards_all_emulated_ones_listed():
    assert emulated_boards() == list(kws_firmware.boards.emulated_boards())
    assert "mps2_an386" in emulated_boards() and "native" not in emulated_boards()


def test_board_facts_unknown_board_names_the_known():
    with pytest.raises(KwsError, match="unknown board 'nope'.*mps2_an386"):
        board_facts("nope")


def test_board_facts_board_without_emulator_refused(tmp_path):
    (tmp_path / "real.json").write_text(json.dumps({"name": "real"}))
    with pytest.raises(KwsError, match="cannot be emulated"):
        board_facts("real", tmp_path)


def test_board_facts_environment_stands_for_its_board(tmp_path):
    assert board_facts("mps2_an386_tflm") == board_facts("mps2_an386")
    with pytest.raises(KwsError, match="unknown board 'nope'.*mps2_an386, mps2_an386_mlperf, mps2_an386_tflm, "):
        board_facts("nope")
    with pytest.raises(KwsError, match="board 'nano33ble' cannot be emulated"):
        board_facts("nano33ble")


def test_environments_are_read_as_platformio_reads_them(tmp_path):
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    project_file = tmp_path / "platformio.ini"
    project_file.write_text(
        "[env]\nboard = general\n[base]\nboard = base\n[middle]\nextends = base\n[other]\nboard = other\n"
        "[env:own]\nextends = base\nboard = own  ; a comment\n[env:chain]\nextends = middle\n"
        "[env:two]\nextends =\n    other\n    middle\n[env:none]\nframework = ${x.y}\n"
        "[env:named]\nboard = ${base.board}\n"
    )
    wanted = {"own": "own", "chain": "base", "two": "base", "none": "general", "named": "base"}
    assert project.environments(project_file) == wanted
    assert project.environments(tmp_path / "missing.ini") == {}


@pytest.mark.parametrize("text", ["board = without a section", "[env:a]\nboard = ${nowhere.board}", "[env:\xe9]"])
def test_environments_of_a_broken_file_are_refused(tmp_path, text):
    pytest.importorskip("platformio", reason="PlatformIO is missing")
    (tmp_path / "platformio.ini").write_text(text, encoding="latin-1")
    with pytest.raises(KwsError, match="cannot read .*platformio.ini"):
        project.environments(tmp_path / "platformio.ini")


def test_environments_without_platformio_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "platformio.project.config", None)
    assert board_facts("mps2_an386").machine == "mps2-an386"  # boards need none
    with pytest.raises(KwsError, match="PlatformIO is not installed: pip install"):
        board_facts("mps2_an386_tflm")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", ""),
        ("\n  only\n", "only"),
        ("boot\nqemu-system-arm: warning: slow\nqemu: fatal: Lockup\n\nR00=0\n", "qemu: fatal: Lockup"),
        ("qemu-system-arm: -chardev x: info: QEMU waiting for connection\nqemu: fatal: A: B\n", "qemu: fatal: A: B"),
        ("bulk: data loss\nmore", "bulk: data loss"),
    ],
)
def test_first_line_is_qemus_own_reason(log, line):
    assert reason_in(log) == line


@pytest.mark.parametrize("command", ["emulate", "info"])
def test_terminated_program_leaves_no_emulator(elf, qemu, tmp_path, command):
    pid_file = tmp_path / "pid"
    script = Path(qemu)
    script.write_text(
        script.read_text().replace("match =", f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nmatch =")
    )
    script.write_text(script.read_text().replace("import re", "import os, re"))
    words = (
        ["emulate", "--tcp-port", "0"]
        if command == "emulate"
        else ["info", "--emulate", "mps2_an386", "--timeout", "60"]
    )
    program = subprocess.Popen(
        [sys.executable, "-m", "kws_host.cli", *words, "--elf", str(elf)],
        env={**os.environ, "KWS_QEMU": qemu, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 120  # ends what would hang
        while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
            assert program.poll() is None, program.stderr.read()
            time.sleep(0.02)
        child = int(pid_file.read_text())
        os.kill(child, 0)  # it runs
        program.terminate()
        assert program.wait(60) == 143 and program.stderr.read() == b""
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    finally:
        program.kill()
        program.communicate()


def test_termination_while_an_emulator_is_started_leaves_none(elf, qemu, monkeypatch):
    """Popen returns to a program that was told to end while the emulator began to run."""
    started = []

    class Late(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Late)
    for start in (lambda: Emulator(config(elf, qemu, port=0)), lambda: run(config(elf, qemu))):
        with pytest.raises(SystemExit), termination_cleans_up():
            start()
    assert len(started) == 2 and all(process.returncode is not None for process in started)


def test_termination_before_the_emulator_is_held_leaves_none(elf, qemu):
    with pytest.raises(SystemExit), termination_cleans_up():
        _told_to_end(Emulator(config(elf, qemu, port=0)))
    assert _TOLD[0].poll() is not None


_TOLD: list[subprocess.Popen] = []


def _told_to_end(emulator: Emulator) -> None:
    _TOLD.append(emulator.process)
    os.kill(os.getpid(), signal.SIGTERM)


def test_termination_in_a_callback_is_not_lost():
    """Python drops what is raised there; the imports behind a started emulator have such callbacks."""

    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as end, termination_cleans_up():
        del thing
        time.sleep(60)  # ends what would hang
    assert end.value.code == 143 and reference() is None


def test_termination_handler_is_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with termination_cleans_up():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    with ThreadPoolExecutor(1) as pool:  # other threads must not touch it
        assert pool.submit(lambda: cli.main(["emulate", "--stop", "--tcp-port", "1"])).result() == 2


def test_command_defaults_counts_instructions_and_uses_stdio(elf, qemu):
    line = command_line(config(elf, qemu))
    assert line[line.index("-M") + 1] == "mps2-an386"
    assert line[line.index("-icount") + 1] == "shift=9,align=off,sleep=off"
    assert line[line.index("-semihosting-config") + 1] == "enable=on,target=native"
    assert any(word.startswith("stdio,") for word in line)


def test_command_serial_port_behind_others_leaves_those_open(elf, qemu):
    line = command_line(EmulatorConfig("netduinoplus2", elf, port=1234, qemu=qemu))
    serials = [line[i + 1] for i, word in enumerate(line) if word == "-serial"]
    assert serials == ["null"] * 5 + ["chardev:serial"]


def test_command_semihosting_arguments_commas_doubled(elf, qemu):
    line = command_line(config(elf, qemu, arguments=("bulk", "a,b.bin")))
    assert line[line.index("-semihosting-config") + 1] == "enable=on,target=native,arg=bulk,arg=a,,b.bin"


@pytest.mark.parametrize("argument", ["two words", "", " x", "tab\tbed"])
def test_command_semihosting_argument_with_white_space_refused(elf, qemu, argument):
    with pytest.raises(KwsError, match="one word"):
        command_line(config(elf, qemu, arguments=(argument,)))


def test_command_no_firmware_says_how_to_build(tmp_path, qemu):
    with pytest.raises(KwsError, match="pio run -e mps2_an386"):
        command_line(config(tmp_path / "missing.elf", qemu))


def test_command_no_emulator_says_how_to_install(elf):
    with pytest.raises(KwsError, match="no-such-qemu is not on PATH.*KWS_QEMU"):
        command_line(config(elf, "no-such-qemu"))


def test_emulator_free_port_listens_and_stops(elf, qemu):
    with Emulator(config(elf, qemu, port=0)) as running:
        assert running.port > 0 and running.url == f"socket://127.0.0.1:{running.port}"
        with socket.socket() as client:
            client.connect(("127.0.0.1", running.port))
        assert running.process.poll() is None
    assert running.process.poll() is not None
    running.stop()  # again: nothing happens


def test_emulator_port_occupied_one_clear_line(elf, qemu):
    with socket.socket() as occupier:
        occupier.bind(("127.0.0.1", 0))
        occupier.listen(1)
        port = occupier.getsockname()[1]
        with pytest.raises(KwsError, match=f"TCP port {port} is in use"):
            Emulator(config(elf, qemu, port=port))


@pytest.mark.parametrize("port", [70000, -1])
def test_emulator_port_out_of_range_refused(elf, qemu, port):
    with pytest.raises(KwsError, match=f"Received: {port}"):
        Emulator(config(elf, qemu, port=port))


def test_emulator_that_ends_at_once_says_why(elf, tmp_path):
    broken = tmp_path / "broken-qemu"
    broken.write_text("#!/bin/sh\necho 'no such machine' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(KwsError, match="stopped at once: no such machine"):
        Emulator(config(elf, str(broken), port=0))


def test_run_exit_status_is_the_firmwares(elf, qemu):
    assert run(config(elf, qemu)).returncode == 7


def test_run_too_long_stopped_and_reported(elf, tmp_path):
    endless = tmp_path / "endless-qemu"
    endless.write_text("#!/bin/sh\nexec sleep 60\n")
    endless.chmod(0o755)
    with pytest.raises(KwsError, match="still running after 0.2 s"):
        run(config(elf, str(endless)), timeout_s=0.2)


def test_background_start_again_replaces_the_first(elf, qemu, records):
    first, port = background.start(config(elf, qemu, port=0))
    try:
        second, same = background.start(config(elf, qemu, port=port))
        assert same == port and second != first
    finally:
        assert background.stop(port)
    assert not background.stop(port)


def test_background_record_of_another_process_is_not_killed(elf, qemu, records):
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        background.RECORDS.mkdir(parents=True)
        record = {"pid": sleeper.pid, "port": 1, "board": "mps2_an386", "command": ["qemu-system-arm"]}
        (background.RECORDS / "1.json").write_text(json.dumps(record))
        assert not background.stop(1)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def emulate(capsys, *words: object) -> tuple[int, str, str]:
    status = cli.main(["emulate", *map(str, words)])
    return status, *capsys.readouterr()


def test_emulate_on_this_terminal_ends_with_the_firmwares_status(capsys, elf, qemu, tmp_path, monkeypatch):
    monkeypatch.setenv("KWS_QEMU", qemu)
    assert emulate(capsys, "--terminal", "--elf", elf) == (7, "", "")
    endless = tmp_path / "endless-qemu"
    endless.write_text("#!/bin/sh\nexec sleep 60\n")
    endless.chmod(0o755)
    monkeypatch.setenv("KWS_QEMU", str(endless))
    status, _, err = emulate(capsys, "--terminal", "--elf", elf, "--timeout", "0.2")
    assert (status, err) == (2, "error: the firmware was still running after 0.2 s; the emulator was stopped\n")


def test_emulate_options_reach_qemu(capsys, elf, tmp_path, monkeypatch):
    telling = tmp_path / "telling-qemu"
    telling.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\n')
    telling.chmod(0o755)
    monkeypatch.setenv("KWS_QEMU", str(telling))
    words = ["--terminal", "--board", "mps2_an500", "--elf", elf, "--no-icount", "--arg", "bulk", "--arg", "in.bin"]
    assert emulate(capsys, *words, "--qemu-option=-d", "--qemu-option=unimp") == (0, "", "")
    line = (tmp_path / "words").read_text().splitlines()
    config = EmulatorConfig("mps2_an500", elf, None, icount=False, arguments=("bulk", "in.bin"), qemu=str(telling))
    assert line == [*command_line(config)[1:], "-d", "unimp"]


def test_emulate_in_the_background_starts_and_stops(capsys, elf, qemu, records, monkeypatch):
    monkeypatch.setenv("KWS_QEMU", qemu)
    status, out, _ = emulate(capsys, "--background", "--elf", elf, "--tcp-port", "0")
    port = out.rpartition(":")[2].strip()
    assert status == 0 and out.startswith("mps2_an386 is up (process ")
    assert emulate(capsys, "--stop", "--tcp-port", port) == (0, f"stopped the emulator on port {port}\n", "")
    assert emulate(capsys, "--stop", "--if-running", "--tcp-port", port) == (0, "no emulator was running there\n", "")
    status, _, err = emulate(capsys, "--stop", "--tcp-port", port)
    assert (status, err) == (2, f"error: no emulator of ours runs on port {port}\n")


def test_program_from_another_folder_finds_boards_and_environments(elf, tmp_path):
    command = [sys.executable, "-m", "kws_host.cli", "info", "--emulate", "mps2_an386_tflm", "--elf", "missing.elf"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "error: no firmware at missing.elf: build it first (pio run -e mps2_an386_tflm)\n"


def test_program_help_loads_no_platformio_and_no_interpreter():
    """It is what a user waits for most often."""
    code = "import sys; from kws_host import cli\n"
    code += "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print({'platformio', 'tflite_micro', 'scipy', 'serial'} & set(sys.modules), file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "set()\n")


def test_command_file_names_and_words_reach_qemu_as_they_are(tmp_path, qemu, monkeypatch):
    """QEMU parses its options itself: a comma ends a value unless it is doubled."""
    folder = tmp_path / "a b,c=d (é)'x%"
    folder.mkdir()
    (folder / "bulk").write_bytes(b"\x7fELF")
    monkeypatch.chdir(folder)
    line = command_line(config(Path("bulk"), os.path.relpath(qemu), arguments=("bulk", "in,x=1.bin", "out.bin")))
    assert line[line.index("-kernel") + 1] == str(folder / "bulk")  # whole: a word "bulk" would be a command
    assert line[line.index("-semihosting-config") + 1].endswith(",arg=bulk,arg=in,,x=1.bin,arg=out.bin")
    assert line[0] == qemu  # found from every folder


def test_background_emulator_in_a_folder_that_is_not_utf8_is_found_again(tmp_path, qemu, records):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    _, port = background.start(config(folder / "firmware.elf", qemu, port=0))
    assert background.stop(port)
