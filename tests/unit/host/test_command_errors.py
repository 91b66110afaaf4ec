"""What goes wrong before a device answers: one line, exit status 2."""

import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from kws_host import bulk_run, cli, clips, heard, project, reference_run
from kws_reference.bundle import Bundle

from tests.support import clip_files, host_cli
from tests.support.models import GraphBuilder


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    return clip_files.write_labelled_folder(tmp_path_factory.mktemp("audio"))


@pytest.fixture
def fake_qemu(tmp_path, monkeypatch):
    """Makes a program in the place of QEMU that takes one connection, if any, and then runs the given shell text."""

    def make(then: str) -> Path:
        path = tmp_path / "fake-qemu"
        path.write_text(
            f"#!{sys.executable}\n"
            "import os, re, socket, sys\n"
            "match = re.search(r'port=(\\d+)', ' '.join(sys.argv))\n"
            "if match:\n"
            "    server = socket.create_server(('127.0.0.1', int(match[1])))\n"
            "    connection = server.accept()[0]\n"
            f"os.execv('/bin/sh', ['sh', '-c', {then!r}])\n"
        )
        path.chmod(0o755)
        monkeypatch.setenv("KWS_QEMU", str(path))
        (tmp_path / "firmware.elf").write_bytes(b"")
        return tmp_path / "firmware.elf"

    return make


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["info"], "give --port"),
        (["info", "--port", "/dev/kws-none"], "no port /dev/kws-none"),
        (["info", "--port", "socket://127.0.0.1:1"], "nobody listens"),
        (["info", "--port", "socket://127.0.0.1:1", "--timeout", "0"], "--timeout must be positive"),
        (
            ["info", "--port", "socket://127.0.0.1:1", "--timeout", "inf"],
            "--timeout must be positive, and at most 3,600 s",
        ),
        (
            ["info", "--port", "socket://127.0.0.1:1", "--timeout", "nan"],
            "--timeout must be positive, and at most 3,600 s",
        ),
        (["info", "--emulate", "nonsense"], "unknown board 'nonsense'"),
        (["info", "--emulate", "mps2_an386", "--elf", "/no/such.elf"], "no firmware at /no/such.elf"),
        (["check", "/no/such/folder", "--port", "x"], "no such file or folder: /no/such/folder"),
        (["check", ".", "--bundle", "/no/bundle", "--port", "x"], "no bundle folder at /no/bundle"),
        (["monitor", "--wav", "/no/such.wav"], "/no/such.wav"),
        (["bench", "--steps", "1"], "--steps must be at least 2"),
        (["bench", "--cycles", "--port", "x"], "--cycles estimates from what an emulator executes: give --emulate"),
        (["bench", "--cycles", "--emulate", "mps2_an500"], "a cortex-m4 only. Received: mps2_an500, a cortex-m7"),
        (["evaluate", "/no/such/folder", "--jobs", "0"], "--jobs must be at least 1"),
        (["evaluate", "/no/such/folder", "--elf", "/no/such.elf"], "no firmware at /no/such.elf"),
        (["emulate", "--stop", "--tcp-port", "1"], "no emulator of ours runs on port 1"),
    ],
)
def test_cli_wrong_usage_gives_one_line(capsys, monkeypatch, words, text):
    monkeypatch.delenv("KWS_PORT", raising=False)
    assert text in host_cli.fails_with_one_line(capsys, *words)


def test_cli_emulate_on_an_occupied_port_gives_one_line(capsys, tmp_path):
    (tmp_path / "firmware.elf").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        err = host_cli.fails_with_one_line(capsys, "emulate", "--elf", tmp_path / "firmware.elf", "--tcp-port", port)
    assert f"TCP port {port} is in use" in err


def test_cli_traceback_only_with_vv(capsys):
    status, _, err = host_cli.run(capsys, "-vv", "info", "--port", "socket://127.0.0.1:1")
    assert status == 2 and "Traceback" in err


def test_check_emulate_and_port_together_are_refused(capsys, audio, monkeypatch):
    words = ["info", "--emulate", "mps2_an386", "--elf", "/no/such.elf"]
    err = host_cli.fails_with_one_line(capsys, *words, "--port", "/dev/ttyACM0")
    assert "name two devices: give one" in err
    monkeypatch.setenv("KWS_PORT", "/dev/ttyACM0")  # only a default
    assert "no firmware at /no/such.elf" in host_cli.fails_with_one_line(capsys, *words)


def test_check_labels_of_files_that_are_not_there_are_refused(capsys, audio, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("noise.wav,stop\nyes/click.wav,yes\nother.wav,no\n")
    err = host_cli.fails_with_one_line(capsys, "check", audio, "--port", "socket://127.0.0.1:1", "--labels", table)
    assert "no recording is called 'yes/click.wav' (2 of 3 rows match none)" in err
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    table.write_text("no/noise.wav,stop\nclicks.wav,yes\n")
    assert len(clips.find([audio], bundle, labels_csv=table, limit=1)) == 1  # all of them are known, drawn or not


def test_check_text_file_as_wav_is_refused_before_the_device_is_asked(capsys, tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes/a.wav").write_text("this is not audio\n" * 50)
    err = host_cli.fails_with_one_line(capsys, "check", tmp_path, "--port", "socket://127.0.0.1:1")
    assert "a.wav" in err


def test_check_error_about_an_odd_name_shows_it_in_one_printable_line(capsys, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\x1b[2J\xff\n.wav")
    Path(os.fsdecode(path)).write_bytes(b"text")
    assert cli.main(["check", os.fsdecode(path), "--port", "socket://127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert r"\u001b[2J\xff .wav: not a WAV file" in err and err.rstrip("\n").isprintable()


def test_check_report_that_cannot_be_written_is_told_before_the_work(capsys, audio, tmp_path):
    words = ["check", audio, "--port", "socket://127.0.0.1:1"]  # nobody answers there
    assert "it is a folder" in host_cli.fails_with_one_line(capsys, *words, "--json", tmp_path)
    assert "no folder" in host_cli.fails_with_one_line(capsys, *words, "--junit", tmp_path / "absent/junit.xml")


def long_step(folder) -> Bundle:
    """A model whose step is longer than the second up to which recordings are filled: 100 frames, 1020 ms."""
    builder = GraphBuilder(1)
    x = builder.average("mean", builder.input("features", (1, 100, 1, 4), 1 / 32), 100)
    builder.scores(builder.dense("scores", x, 4))
    return builder.write(folder)


def test_check_and_evaluate_nothing_but_recordings_shorter_than_a_step_are_refused(capsys, audio, tmp_path):
    """The reference has no integer for them: a check of them would pass whatever the device does."""
    bundle = long_step(tmp_path / "bundle")
    for command in (["check", audio / "no/noise.wav", "--port", "none"], ["evaluate", audio, "--elf", __file__]):
        err = host_cli.fails_with_one_line(capsys, *command, "--bundle", bundle.path)
        assert "shorter than the model's first step of 1020 ms" in err
    second, longer = np.zeros(16000, np.int16), np.zeros(16320, np.int16)
    assert "1 of 2 recordings are shorter" in heard.notes(bundle, [second, longer])[-1]
    assert not any("shorter" in note for note in heard.notes(bundle, [longer]))


def test_emulate_firmware_that_locks_up_gives_qemus_reason(capsys, fake_qemu):
    elf = fake_qemu("echo 'qemu: fatal: Lockup: no vector table' >&2; echo >&2; echo R00=0 R01=0 >&2; exit 6")
    err = host_cli.fails_with_one_line(capsys, "info", "--emulate", "mps2_an386_tflm", "--elf", elf)
    assert f"ended with status 6: qemu: fatal: Lockup: no vector table. Is {elf} the right firmware?" in err


def test_evaluate_first_failure_ends_all_emulators_at_once(capsys, fake_qemu, audio, tmp_path, monkeypatch):
    # The first emulator fails, every other one would run for an hour.
    marker, pids = tmp_path / "first", tmp_path / "pids"
    text = (
        f"echo $$ >> {pids}; if mkdir {marker}; then sleep 1; echo 'qemu: fatal: Lockup' >&2; echo R00=0 >&2; exit 6; "
        "fi; exec sleep 3600"
    )
    elf = fake_qemu(text)
    monkeypatch.setattr(bulk_run, "RECORDINGS_PER_RUN", 1)
    monkeypatch.setattr(bulk_run, "RUN_TIMEOUT_S", 3600.0)
    monkeypatch.setattr(reference_run, "run", lambda *_, **__: ([], False))
    words = ["evaluate", audio, "--board", "mps2_an386_tflm", "--elf", elf, "--jobs", "2", "--no-cache"]
    err = host_cli.fails_with_one_line(capsys, *words)
    assert "the firmware ended with status 6: qemu: fatal: Lockup" in err and "R00" not in err
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
