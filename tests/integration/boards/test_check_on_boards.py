"""The firmware that PlatformIO builds, on every emulated board: `kws-host` proves its integers and finds its faults."""

import json
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from kws_host import bulk, cli, emulator, project
from kws_host.compare import compare_run
from kws_host.device import Device
from kws_host.emulator.boards import emulated_boards
from kws_host.frame import Frame
from kws_host.link import Link
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import Config

from tests.support import boards, clip_files, faults, firmware

pytestmark = pytest.mark.qemu

BUILD = boards.ROOT / "build" / "check_on_boards"


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


def build_mutant(board: str, generated: Path, name: str) -> Path:
    """Builds a board's firmware with other generated C++, in a folder kept between runs. Returns the ELF file."""
    folder = BUILD / name
    result = boards.pio("run", "-e", board, build_dir=folder, environment={"KWS_GENERATED": str(generated)})
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return folder / board / "firmware.elf"


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    clip_files.write_wav(folder / "yes/clicks.wav", clip_files.clicks())
    clip_files.write_wav(folder / "left/word.wav", clip_files.word())
    return folder


@pytest.fixture(scope="module")
def m4():
    return boards.build("mps2_an386")


def _main(capsys, *words: object) -> tuple[int, str, str]:
    status = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("board", emulated_boards())
def test_board_agrees_in_every_integer_and_measures_itself(capsys, board, audio):
    elf = boards.build(board)
    status, out, err = _main(capsys, "check", audio, "--emulate", board, "--elf", elf, "--timeout", "10", "--json", "-")
    assert status == 0, err
    data = json.loads(out)
    assert data["device"]["board"] == board
    assert data["summary"] == data["summary"] | {"clips": 2, "steps": 98, "mismatches": 0, "streamed_again": 0}
    assert [len(clip["detected"]) for clip in data["clips"]] == [1, 0]  # stop, clicks: detections are compared, too
    stats = data["stats"]
    assert stats["serial_overruns"] == 0 and stats["errors_sent"] == 0 and stats["frames_bad_crc"] == 0
    assert 0 < stats["stack_used_bytes"] < stats["stack_size_bytes"]


def test_board_state_digests_equal_the_reference(audio, m4):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    with emulator.Emulator(emulator.EmulatorConfig("mps2_an386", m4, port=0)) as board:
        with Link(board.url, timeout_s=10) as link:
            device = Device(link)
            device.configure(Config.FEATURES | Config.STATE_DIGESTS)
            run = device.run(clip_files.word())
    assert run.detections, "the recording must raise a detection"
    result = compare_run(bundle, run, Pipeline(bundle).run(clip_files.word(), state_crcs=True))
    assert (result.mismatches, result.integers) == (0, 49 * (1 + 80 + 12 + 2 + 2))


def test_board_looped_word_is_raised_once_until_it_has_fallen(m4):
    loop = np.resize(clip_files.spoken("left/rms.wav"), 4 * 16000)  # its score never falls far
    pcm = np.concatenate([loop, np.zeros(24000, np.int16), loop])
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    with emulator.Emulator(emulator.EmulatorConfig("mps2_an386", m4, port=0)) as board:
        with Link(board.url, timeout_s=10) as link:
            device = Device(link)
            device.configure(Config.FEATURES)
            run = device.run(pcm)
    assert [bundle.labels[event.label] for event in run.detections] == ["left", "left"]
    assert run.detections[0].step < 200 and run.detections[1].step > 275  # 20 ms each
    assert compare_run(bundle, run, Pipeline(bundle).run(pcm)).mismatches == 0


def test_board_counts_instructions_repeatably(capsys, m4):
    words = ["bench", "--emulate", "mps2_an386", "--elf", m4, "--timeout", "10", "--steps", "20", "--json", "-"]
    first, second, third = (json.loads(_main(capsys, *words)[1]) for _ in range(3))
    assert first["stages"] == second["stages"] == third["stages"]
    assert first["unit"] == "instructions"
    assert 50_000 < first["stages"]["engine"]["mean"] < 2_000_000
    layers = sum(layer["mean"] for layer in first["layers"])
    assert layers == pytest.approx(first["stages"]["engine"]["mean"], rel=0.1)  # counting itself costs some


def test_board_fault_is_reported_over_the_link_and_survived(m4):
    with emulator.Emulator(emulator.EmulatorConfig("mps2_an386", m4, port=0)) as board:
        with Link(board.url, timeout_s=10) as link:
            device = Device(link)
            assert device.fault().count == 0
            fault = device.test_fault()
            assert fault.count == 1 and fault.type in (3, 6) and 0 < fault.pc < 0x400000
            assert fault.cfsr & 0x10000  # UFSR.UNDEFINSTR
            assert device.restart().starts == 3
            assert device.fault() == fault
            assert len(device.run(clip_files.noise(2)).steps) == 49


def test_board_hostile_bytes_never_wedge_it(m4):
    rng = random.Random(7)
    with emulator.Emulator(emulator.EmulatorConfig("mps2_an386", m4, port=0)) as board:
        with Link(board.url, timeout_s=10) as link:
            device = Device(link)
            before = device.run(pcm := clip_files.noise(2))
            traffic = b"".join(
                Frame(rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 0x55)), seq, rng.randbytes(rng.randrange(40))).encode()
                for seq in range(40)
            )
            link._write(firmware.noise(1, 150)(traffic) + rng.randbytes(2000) + b"\0")
            while link.receive(1.0) is not None:
                pass
            device.configure(Config.NONE)
            after = device.run(pcm)
            assert [step.scores for step in after.steps] == [step.scores for step in before.steps]
            assert device.stats().frames_bad_crc + device.stats().frames_bad_cobs > 0


def test_board_killed_in_the_middle_of_a_check_ends_with_one_line(capsys, m4, tmp_path):
    clip_files.write_wav(tmp_path / "long.wav", np.tile(clip_files.noise(3), 60))
    with emulator.Emulator(emulator.EmulatorConfig("mps2_an386", m4, port=0)) as board:
        port = int(board.url.rpartition(":")[2])
        with firmware.proxy(port, to_device=firmware.in_the_middle(board.process.kill)) as wire:
            status, _, err = _main(capsys, "check", tmp_path / "long.wav", "--port", wire.url)
    assert status == 2
    assert err.startswith("error: ") and err.count("\n") == 1
    assert "connection broke" in err or "stopped answering" in err


def test_board_with_another_boards_firmware_gives_qemus_reason(capsys):
    elf = boards.build("mps3_an547")
    status, _, err = _main(capsys, "info", "--emulate", "mps2_an386", "--elf", elf)
    assert status == 2 and err.startswith("error: the emulator ended with status") and err.count("\n") == 1
    assert ": qemu: fatal: Lockup: " in err and str(elf) in err


def test_board_bulk_run_agrees_with_python(capsys, m4, audio, tmp_path, monkeypatch):
    events = []
    parse = bulk.decode_output

    def keep_events(*arguments):
        decoded = parse(*arguments)
        events.extend(int(label) for results in decoded for label in results.events[:, 0] if label != 255)
        return decoded

    monkeypatch.setattr(bulk, "decode_output", keep_events)
    words = ["evaluate", audio, "--elf", m4, "--jobs", "2", "--cache", tmp_path, "--json", "-"]
    status, out, err = _main(capsys, *words)
    data = json.loads(out)
    assert (status, data["agreeing_clips"], data["steps"]) == (0, 2, 98), err
    assert events == [Bundle.load(project.RELEASED_BUNDLE).labels.index("left")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "stage"), [("weight", r"state block2: CRC"), ("window", r"features: frame [01] coefficient \d+")]
)
def test_board_planted_fault_is_found_and_its_stage_named(capsys, audio, tmp_path, fault, stage):
    if fault == "weight":
        generated = faults.flip_weight(tmp_path, "kBlock1PointwiseWeights", 1000, 7)
    else:
        generated = faults.change_window(tmp_path)
    elf = build_mutant("mps2_an386", generated, fault)
    status, out, err = _main(capsys, "check", audio, "--emulate", "mps2_an386", "--elf", elf, "--keep-going")
    assert (status, err) == (1, "")
    assert re.search(rf"^MISMATCH clip \S+, step \d+, stage {stage}", out, re.MULTILINE), out
    # The same generated code as bulk run: the Python side disagrees there too.
    status, out, _ = _main(capsys, "evaluate", audio, "--elf", elf, "--jobs", "1", "--no-cache")
    assert status == 1 and "DIFFERS clip" in out


def test_board_bulk_run_with_a_damaged_file_fails_with_a_reason(m4, tmp_path):
    (tmp_path / "in.bin").write_bytes(struct.pack("<4sII", b"KWSB", 1, 1) + b"\x10\0\0\0")
    config = emulator.EmulatorConfig("mps2_an386", m4, icount=False, arguments=("bulk", "in.bin", "out.bin"))
    result = emulator.run(config, 60, cwd=tmp_path, capture_output=True)
    assert result.returncode == 1
    assert b"bulk: data loss" in result.stdout + result.stderr
