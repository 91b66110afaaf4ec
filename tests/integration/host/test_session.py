"""The firmware's session on the native board, through TCP, with a made-up model that Python can work out."""

import os
import random
import signal
import socket
import struct
import subprocess
import tomllib
import zlib

import numpy as np
import pytest
from kws_host.device import Device
from kws_host.frame import Frame, FrameDecoder
from kws_host.link import Link, LinkError, RequestRefused
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, ErrorCode, MessageType, NamesKind

from tests.support import firmware
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def program():
    return firmware.fake_firmware()


@pytest.fixture
def board(program):
    with firmware.running(program) as board:
        yield board


@pytest.fixture
def device(board):
    with Link(board.url, timeout_s=1.0) as link:
        yield Device(link)


def _pcm(samples: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, samples, dtype=np.int16)


def _expected(pcm: np.ndarray) -> list[tuple[int, int, bytes, bytes]]:
    """The made-up model: see tests/integration/native/fake_model/fake_model.cc."""
    steps, total = [], np.zeros(3, np.int64)
    for step in range(((len(pcm) - 480) // 160 + 1) // 2 if len(pcm) >= 480 else 0):
        ends = [480 + 160 * (2 * step + k) for k in range(2)]
        features = np.concatenate([pcm[end - 4 : end] for end in ends]).astype(np.int64) & 0xFF
        signed = np.where(features > 127, features - 256, features)
        total = (total + signed[:3] + signed[4:7] + 128) % 256 - 128
        crc = zlib.crc32(pcm[: ends[1]].astype("<i2").tobytes())
        steps.append((step, crc, total.astype(np.int8).tobytes(), features.astype(np.uint8).tobytes()))
    return steps


def _seen(recording) -> list[tuple[int, int, bytes, bytes]]:
    return [(step.step, step.audio_crc, step.scores, step.features) for step in recording.steps]


def test_session_info_names_and_stats_tell_what_runs(device):
    info = device.info
    assert (info.board, info.engine, info.model_name) == ("native", "fake", "fake")
    assert info.model_sha256 == bytes(range(32)).hex()
    assert (info.window_samples, info.hop_samples, info.frames_per_step, info.feature_count) == (480, 160, 2, 4)
    assert (info.state_bytes, info.scratch_bytes, info.weights_bytes) == (203, 50, 1000)
    assert device.names(NamesKind.LABELS) == ["_silence_", "yes", "no"]
    assert device.names(NamesKind.STATES) == ["sum", "long"]
    assert device.names(NamesKind.LAYERS) == ["first", "second"]
    stats = device.stats()
    assert stats.frames_ok == 5 and stats.frames_bad_crc == 0 and stats.frontend_bytes > 2 * 480


def test_session_version_equals_the_distribution(device):
    assert device.info.firmware_version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("samples", [0, 1, 479, 480, 639, 640, 16000, 20001])
def test_session_recording_of_any_length_gives_every_step(device, samples):
    device.configure(Config.FEATURES)
    recording = device.run(pcm := _pcm(samples))
    assert _seen(recording) == _expected(pcm)
    assert recording.attempts == 1
    detected = [step for step, _, scores, _ in _expected(pcm) if np.frombuffer(scores, np.int8)[1] > 100]
    assert [event.step for event in recording.detections] == detected


def test_session_reset_forgets_and_keeps_the_configuration(device):
    device.configure(Config.FEATURES)
    first = device.run(_pcm(5000))
    assert _seen(device.run(_pcm(5000))) == _seen(first)
    assert _seen(device.run(_pcm(5000, seed=2))) != _seen(first)


def test_session_digests_and_features_only_when_asked(device):
    plain = device.run(_pcm(2000))
    assert not plain.digests and not any(step.features for step in plain.steps)
    device.configure(Config.STATE_DIGESTS)
    recording = device.run(_pcm(2000))
    crc = zlib.crc32(bytes([7]) * 200)
    assert [digest.crcs for digest in recording.digests] == [(zlib.crc32(step.scores), crc) for step in recording.steps]


def test_session_bench_sums_ticks_since_reset(device):
    device.configure(Config.PROFILE)
    recording = device.run(_pcm(16000))
    bench, count = device.bench(), len(recording.steps)
    assert count == 49
    assert bench.steps == 49
    for stage in ("frontend_ticks", "engine_ticks", "detector_ticks"):
        assert getattr(bench, stage) == sum(getattr(step, stage) for step in recording.steps) > 0
    assert bench.layer_ticks == (0, 5 * count)
    device.reset()
    assert device.bench().steps == 0 and device.bench().layer_ticks == (0, 0)


@pytest.mark.parametrize(
    ("kind", "payload", "code", "detail"),
    [
        (MessageType.GET_INFO, b"x", ErrorCode.BAD_PAYLOAD, 1),
        (MessageType.RESET, b"xx", ErrorCode.BAD_PAYLOAD, 2),
        (MessageType.AUDIO, b"", ErrorCode.BAD_PAYLOAD, 0),
        (MessageType.AUDIO, b"\0\0\0\0x", ErrorCode.BAD_PAYLOAD, 5),
        (MessageType.AUDIO, b"\1\0\0\0xx", ErrorCode.BAD_PAYLOAD, 6),
        (MessageType.AUDIO, struct.pack("<I", 640) + b"xx", ErrorCode.AUDIO_GAP, 0),
        (MessageType.CONFIGURE, b"\x80", ErrorCode.BAD_PAYLOAD, 1),
        (MessageType.CONFIGURE, b"", ErrorCode.BAD_PAYLOAD, 0),
        (MessageType.GET_NAMES, b"\3\0\0", ErrorCode.BAD_PAYLOAD, 3),
        (MessageType.GET_NAMES, b"\0\xff\xff", ErrorCode.BAD_PAYLOAD, 3),
        (MessageType.GET_BENCH, b"\3\0", ErrorCode.BAD_PAYLOAD, 2),
        (MessageType.SET_SOURCE, b"\2\0\1\0", ErrorCode.BAD_PAYLOAD, 4),
        (MessageType.SET_SOURCE, b"\1\0\0\0", ErrorCode.BAD_PAYLOAD, 4),
        (MessageType.SET_SOURCE, b"\1\0\x80\0", ErrorCode.BAD_PAYLOAD, 4),
        (MessageType.SET_SOURCE, b"\1\0\1\2", ErrorCode.BAD_PAYLOAD, 4),
        (MessageType.SET_SOURCE, b"\1\0\1", ErrorCode.BAD_PAYLOAD, 3),
        (MessageType.SET_SOURCE, b"\1\0\1\0", ErrorCode.UNAVAILABLE, 3),
        (MessageType.GET_DETECTOR, b"", ErrorCode.BAD_PAYLOAD, 0),
        (MessageType.GET_DETECTOR, b"\4", ErrorCode.BAD_PAYLOAD, 1),  # three labels
        (MessageType.SET_DETECTOR, b"\0\1\1\0\0\0\0", ErrorCode.BAD_PAYLOAD, 7),
        (MessageType.SET_DETECTOR, b"\0\1\1\0\0\0\0\0x", ErrorCode.BAD_PAYLOAD, 9),
        (MessageType.SET_DETECTOR, b"\0\1\1\0\0\0\0\3" + bytes(8), ErrorCode.BAD_PAYLOAD, 16),  # label 3 of 0 to 2
        (MessageType.SET_DETECTOR, b"\0\1\1\0\0\0\0\0" + bytes(32), ErrorCode.BAD_PAYLOAD, 40),
        (MessageType.SET_DETECTOR, b"\3\1\1\0\0\0\0\0", ErrorCode.BAD_PAYLOAD, 8),  # no such action
        (MessageType.SET_DETECTOR, b"\0\0\1\0\0\0\0\0", ErrorCode.BAD_PAYLOAD, 8),
        (MessageType.SET_DETECTOR, b"\1\1\1\0\0\0\0\0", ErrorCode.UNAVAILABLE, 3),  # kept nowhere
        (MessageType.RESTART, b"\0\0\0\0", ErrorCode.BAD_PAYLOAD, 4),
        (MessageType.TEST_FAULT, b"\0\0\0\0", ErrorCode.BAD_PAYLOAD, 4),
        (0x7F, b"", ErrorCode.UNKNOWN_TYPE, 0),
        (MessageType.STEP, b"", ErrorCode.UNKNOWN_TYPE, 0),
    ],
)
def test_session_wrong_request_gets_a_named_error_and_the_next_one_works(device, kind, payload, code, detail):
    seq = device.link.send(kind, payload)
    frame = device.link.receive(2)
    assert (frame.type, frame.seq) == (MessageType.ERROR, seq)
    assert messages.Error.decode(frame.payload) == messages.Error(code, kind, detail)
    assert len(device.run(_pcm(16000)).steps) == 49


def test_session_other_protocol_version_gets_bad_version(board):
    with Link(board.url, timeout_s=1.0) as link:
        link._write(Frame(MessageType.GET_INFO, 5, b"", version=9).encode())
        frames = [link.receive(1) for _ in range(2)]
        error = next(frame for frame in frames if frame.type == MessageType.ERROR)
        assert messages.Error.decode(error.payload) == messages.Error(ErrorCode.BAD_VERSION, MessageType.GET_INFO, 1)
        assert Device(link).info.board == "native"


def test_session_host_that_ignores_credit_cannot_overflow_it(device):
    device.configure(Config.FEATURES)
    device.reset()
    data = (pcm := _pcm(16000)).tobytes()
    steps = []
    device.on_event = lambda event: steps.append(event) if isinstance(event, messages.StepRecord) else None
    frames = (Frame(MessageType.AUDIO, 9, struct.pack("<I", at) + data[at : at + 760]) for at in range(0, 32000, 760))
    device.link._write(b"".join(frame.encode() for frame in frames))
    device.listen(0.5)
    # It looks at the port no more often than it takes audio out of its ring, so all of it fits.
    assert [(s.step, s.audio_crc, s.scores, s.features) for s in steps] == _expected(pcm)
    stats = device.stats()
    assert (stats.audio_overruns, stats.audio_gaps, stats.errors_sent) == (0, 0, 0)


def test_audio_ring_refuses_what_does_not_fit_and_keeps_the_rest():
    sources = ["tests/integration/native/link_audio_source_test.cc", "firmware/src/app/link_audio_source.cc"]
    program = firmware.native.build("link_audio_source_test", sources, includes=["firmware/src"])
    result = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "ok\n"), result.stderr


def test_session_repeated_audio_is_taken_once(device):
    device.configure(Config.FEATURES)
    device.reset()
    pcm = _pcm(480 + 160)
    data = pcm.tobytes()
    recording = []
    device.on_event = lambda event: recording.append(event) if isinstance(event, messages.StepRecord) else None
    for start, end in ((0, 640), (0, 640), (320, 960), (320, 1080), (640, 1280)):
        device.link.send(MessageType.AUDIO, struct.pack("<I", start) + data[start:end])
    device.listen(0.3)
    assert [(s.step, s.audio_crc, s.scores, s.features) for s in recording] == _expected(pcm)
    assert device.stats().audio_repeated_bytes == 640 + 320 + 640 + 440


def test_session_repeated_request_is_answered_again_and_counted(device):
    frame = Frame(MessageType.GET_STATS, 99).encode()
    device.link._write(frame + frame + frame)
    answers = [device.link.receive(1) for _ in range(3)]
    assert [answer.seq for answer in answers] == [99] * 3
    assert messages.Stats.decode(answers[2].payload).frames_repeated == 2


def test_session_restart_says_hello_and_counts_starts(device):
    device.run(_pcm(5000))
    assert device.stats().steps == 14
    assert device.restart() == messages.Hello(2, 0)
    assert device.stats().steps == 0
    assert device.restart() == messages.Hello(3, 0)


def test_session_fault_is_reported_and_remembered_after_the_restart(device):
    assert device.fault().count == 0
    fault = device.test_fault()
    assert (fault.count, fault.type) == (1, 3)
    assert "HardFault" in str(fault)
    assert device.test_fault().count == 2
    assert len(device.run(_pcm(16000)).steps) == 49


@pytest.mark.parametrize("seed", range(4))
def test_session_hostile_bytes_never_wedge_it(device, seed):
    rng = random.Random(seed)
    good = [Frame(kind, seq, rng.randbytes(rng.choice((0, 1, 2, 3, 4, 7, 300)))).encode() for seq, kind in
            enumerate(rng.choices([1, 2, 3, 4, 5, 6, 7, 8, 0x0B, 0x70, 0x91, 0xFF], k=60))]  # fmt: skip
    traffic = b"".join(rng.choice((frame, frame[: rng.randrange(len(frame))], rng.randbytes(200))) for frame in good)
    device.link._write(firmware.noise(seed, 200)(traffic))
    while device.link.receive(0.3) is not None:
        pass
    device.link._write(b"\0")
    device.configure(Config.FEATURES)
    assert _seen(device.run(pcm := _pcm(16000))) == _expected(pcm)


@pytest.mark.parametrize("direction", ["to_device", "to_host"])
def test_session_damaged_wire_loses_no_result(board, direction):
    with firmware.proxy(board.port, **{direction: firmware.noise(3, 9000)}) as wire:
        with Link(wire.url, timeout_s=0.3) as link:
            device = Device(link)
            device.configure(Config.FEATURES)
            for seed in range(3):
                pcm = _pcm(8000, seed)
                assert _seen(device.run(pcm)) == _expected(pcm)
            damaged = sum(link.dropped.values())
            stats = device.stats()
            damaged += stats.frames_bad_crc + stats.frames_bad_cobs + stats.frames_too_short + stats.frames_too_long
            assert damaged > 0


def test_session_repeating_wire_gives_each_result_once(board):
    decoder = FrameDecoder()

    def twice(data: bytes) -> bytes:
        return b"".join(item.encode() * 2 for item in decoder.feed(data) if isinstance(item, Frame))

    with firmware.proxy(board.port, to_device=twice, to_host=twice) as wire, Link(wire.url, timeout_s=1.0) as link:
        device = Device(link)
        device.configure(Config.FEATURES)
        assert _seen(device.run(pcm := _pcm(16000))) == _expected(pcm)


def test_session_second_client_is_told_that_the_port_is_in_use(board, device):
    with pytest.raises(LinkError, match="in use by another program"):
        Device(Link(board.url, timeout_s=0.3))
    assert device.stats().frames_ok > 0


def test_session_client_that_comes_before_the_board_saw_the_last_one_leave_is_served(board):
    with Link(board.url, timeout_s=1.0) as link:
        Device(link).reset()
        link.send(MessageType.AUDIO, struct.pack("<I", 0) + bytes(640))
        os.kill(board.process.pid, signal.SIGSTOP)  # as on a busy machine
    try:
        link = Link(board.url, timeout_s=1.0)
    finally:
        os.kill(board.process.pid, signal.SIGCONT)
    with link:
        assert len(Device(link).run(_pcm(16000)).steps) == 49


def test_session_survives_a_client_that_leaves_in_the_middle(board):
    with Link(board.url, timeout_s=1.0) as link:
        Device(link).reset()
        link.send(MessageType.AUDIO, struct.pack("<I", 0) + bytes(640))
        link._write(b"\x55\x01\x02")
    with Link(board.url, timeout_s=1.0) as link:
        assert len(Device(link).run(_pcm(16000)).steps) == 49


def test_link_device_that_dies_gives_one_clear_error(board):
    with Link(board.url, timeout_s=0.3) as link:
        device = Device(link)
        board.process.kill()
        with pytest.raises(LinkError, match="connection broke|no answer"):
            device.run(_pcm(160000))


def test_link_device_that_never_answers_times_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Link(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2) as link:
            with pytest.raises(LinkError, match="no answer from socket://.* to GET_INFO in 0.6 s"):
                Device(link)


def test_link_device_that_only_prints_is_quoted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Link(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2) as link:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"PANIC: flash is empty\r\n")
                with pytest.raises(LinkError, match="it said: PANIC: flash is empty"):
                    Device(link)


def test_link_newer_device_is_refused_with_both_versions():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Link(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout_s=1.0) as link:
            connection, _ = server.accept()
            with connection:
                error = messages.Error(ErrorCode.BAD_VERSION, MessageType.GET_INFO, 2)
                connection.sendall(Frame(MessageType.ERROR, 1, error.encode(), version=2).encode())
                with pytest.raises(KwsError, match="speaks protocol version 2, this program 1"):
                    Device(link)


def test_link_loopback_echoes_our_own_request_and_times_out():
    with Link("loop://", timeout_s=0.2) as link, pytest.raises(LinkError, match="no answer from loop://"):
        Device(link)


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("/dev/kws-no-such-port", "no port /dev/kws-no-such-port"),
        ("socket://127.0.0.1:1", "nobody listens on socket://127.0.0.1:1"),
        ("nonsense://x", "cannot be opened"),
        ("socket://127.0.0.1", "names no host and port"),
    ],
)
def test_link_port_that_cannot_be_opened_gives_one_line(port, text):
    with pytest.raises(LinkError, match=text) as caught:
        Link(port)
    assert "\n" not in str(caught.value)


def test_session_engine_that_does_not_start_is_named_and_the_rest_answers():
    with firmware.running(firmware.fake_firmware("FAKE_INIT_FAILS")) as board, Link(board.url, timeout_s=1.0) as link:
        device = Device(link)
        with pytest.raises(RequestRefused, match=r"ENGINE for RESET \(the engine says: out of range\)"):
            device.run(_pcm(16000))
        assert device.stats().steps == 0


def test_session_engine_that_fails_in_a_step_is_named_and_stays_refused():
    with firmware.running(firmware.fake_firmware("FAKE_STEP_FAILS")) as board, Link(board.url, timeout_s=1.0) as link:
        device = Device(link)
        with pytest.raises(RequestRefused, match=r"ENGINE for AUDIO \(the engine says: internal\)"):
            device.run(_pcm(16000))
        with pytest.raises(RequestRefused, match="ENGINE for RESET"):
            device.run(_pcm(16000))
        assert device.stats().steps == 3


def test_link_refused_request_names_the_error(device):
    with pytest.raises(RequestRefused, match="BAD_PAYLOAD for CONFIGURE"):
        device.link.request(MessageType.CONFIGURE, b"\xff", MessageType.CONFIGURED)


def test_firmware_over_stdin_and_stdout_answers(program):
    process = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(Frame(MessageType.GET_INFO, 3).encode())
    process.stdin.flush()
    frames = []
    decoder = FrameDecoder()
    while len(frames) < 2:
        frames += decoder.feed(process.stdout.read1(4096))
    process.stdin.close()
    assert process.wait(5) == 0
    assert [frame.type for frame in frames] == [MessageType.HELLO, MessageType.INFO]


def _bulk_input(clips: list[np.ndarray]) -> bytes:
    parts = [struct.pack("<4sII", b"KWSB", 1, len(clips))]
    return b"".join(parts + [struct.pack("<I", len(clip)) + clip.tobytes() for clip in clips])


def test_firmware_bulk_run_gives_every_step_of_every_clip(program, tmp_path):
    clips = [_pcm(samples, samples) for samples in (16000, 100, 640, 5000, 0)]
    (tmp_path / "in.bin").write_bytes(_bulk_input(clips))
    result = subprocess.run(
        [program, "--command-line", "bulk in.bin out.bin"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    expected = [struct.pack("<4sIII", b"KWSR", 1, len(clips), 3) + bytes(range(32))]
    count = 0
    for clip in clips:
        steps = _expected(clip)
        expected.append(struct.pack("<I", len(steps)))
        for _, _, scores, features in steps:
            detected = struct.unpack("3b", scores)[1] > 100
            event = (1, struct.unpack("3b", scores)[1]) if detected else (255, 0)
            expected.append(struct.pack("<I", zlib.crc32(features)) + scores + struct.pack("<BH", *event))
            count += 1
    expected.append(struct.pack("<4sI", b"KWSE", count))
    assert (tmp_path / "out.bin").read_bytes() == b"".join(expected)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "data loss"),
        (b"RIFF" + bytes(40), "invalid argument"),
        (_bulk_input([_pcm(1000)])[:-1], "data loss"),
        (struct.pack("<4sII", b"KWSB", 1, 2), "data loss"),
        (struct.pack("<4sII", b"KWSB", 2, 0), "invalid argument"),
    ],
)
def test_firmware_bulk_run_of_a_damaged_file_exits_1_with_a_reason(program, tmp_path, data, text):
    (tmp_path / "in.bin").write_bytes(data)
    result = subprocess.run(
        [program, "--command-line", "bulk in.bin out.bin"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert text in result.stderr


@pytest.mark.parametrize("line", ["bulk", "bulk nowhere.bin out.bin", "bulk in.bin /nowhere/out.bin"])
def test_firmware_bulk_run_without_its_files_exits_1(program, tmp_path, line):
    (tmp_path / "in.bin").write_bytes(_bulk_input([]))
    result = subprocess.run([program, "--command-line", line], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert "invalid argument" in result.stderr
