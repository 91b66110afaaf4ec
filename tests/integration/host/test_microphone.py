"""The firmware hears by its microphone: on the native board, whose microphone is a file that is never late."""

import subprocess

import numpy as np
import pytest
from kws_host.compare import compare_run
from kws_host.device import Device
from kws_host.link import Link, RequestRefused
from kws_reference.audio.conditioning import Conditioner
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, MessageType, SourceKind

from tests.support import clip_files, firmware, native
from tests.support.paths import ROOT

HOST, MICROPHONE = messages.SetSource(SourceKind.HOST), messages.SetSource(SourceKind.MICROPHONE)


@pytest.fixture(scope="module")
def pcm():
    return np.concatenate([clip_files.word() + 700, clip_files.noise(3), clip_files.word()]).astype(np.int16)


@pytest.fixture
def device(program, pcm, tmp_path):
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 2", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link:
            yield Device(link)


@pytest.fixture(scope="module")
def reference():
    return Pipeline(Bundle.load(ROOT / "training/zoo/matchbox"))


@pytest.mark.parametrize(("gain_q8", "remove_dc"), [(256, False), (256, True), (1, True), (700, True), (32767, True)])
def test_microphone_every_integer_equals_the_reference(device, reference, pcm, gain_q8, remove_dc):
    device.configure(Config.FEATURES)
    heard = np.concatenate([pcm, pcm])
    steps = reference.bundle.clock.steps_in(len(heard))
    source = messages.SetSource(SourceKind.MICROPHONE, gain_q8, int(remove_dc))
    run, stats = device.hear(source, steps, silence_s=5.0)
    comparison = compare_run(reference.bundle, run, reference.run(Conditioner(gain_q8, remove_dc).push(heard)))
    assert (comparison.mismatches, len(run.steps)) == (0, steps), comparison.first
    assert (stats.microphone_samples, stats.microphone_lost_samples) == (len(heard), 0)
    before = device.bench().awake_ticks
    device.set_source(HOST)
    assert 0 < device.bench().awake_ticks < before  # counted anew
    assert device.stats().microphone_samples == 0


def test_microphone_that_listens_refuses_audio_until_a_recording_is_streamed(device, reference, pcm):
    device.hear(MICROPHONE, 10, silence_s=5.0)
    with pytest.raises(RequestRefused, match=r"UNAVAILABLE for AUDIO"):
        device.link.request(MessageType.AUDIO, messages.Audio(0, b"\0\0").encode(), MessageType.CREDIT)
    device.configure(Config.FEATURES)
    comparison = compare_run(reference.bundle, device.run(pcm), reference.run(pcm))
    assert comparison.mismatches == 0, comparison.first


def test_microphone_chosen_again_starts_anew(device):
    first, _ = device.hear(MICROPHONE, 20, silence_s=5.0)
    second, _ = device.hear(MICROPHONE, 20, silence_s=5.0)
    assert [s.audio_crc for s in second.steps[:20]] == [s.audio_crc for s in first.steps[:20]]
    assert second.steps[0].step == 0


def test_microphone_reset_starts_it_anew_with_the_same_gain(device):
    louder = messages.SetSource(SourceKind.MICROPHONE, 300)
    first, _ = device.hear(louder, 20, silence_s=5.0)
    events = []
    device.on_event = lambda event: events.append(event) if isinstance(event, messages.StepRecord) else None
    device.reset()
    events.clear()
    while len(events) < 20:
        device.listen(0.05)
    assert [event.step for event in events[:20]] == list(range(20))
    assert [event.audio_crc for event in events[:20]] == [step.audio_crc for step in first.steps[:20]]


def test_microphone_of_another_host_that_left_gives_way_to_recordings(program, reference, pcm, tmp_path):
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 0", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link:
            Device(link).set_source(MICROPHONE)
        with Link(board.url, timeout_s=5.0) as link:
            assert len(Device(link).run(pcm[:16000]).steps) == 49


def test_microphone_engine_that_fails_ends_in_one_line(tmp_path):
    np.zeros(16000, "<i2").tofile(tmp_path / "heard.pcm")
    program = firmware.fake_firmware("FAKE_STEP_FAILS")
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link, pytest.raises(RequestRefused, match="ENGINE for SET_SOURCE"):
            Device(link).hear(MICROPHONE, 49, silence_s=5.0)


def test_microphone_loudest_samples_at_the_largest_gain_saturate_as_in_the_reference(program, reference, tmp_path):
    pcm = np.tile(np.array([32767, -32768, -32768, 32767], np.int16), 4000)
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        with Link(board.url, timeout_s=5.0) as link:
            run, _ = Device(link).hear(messages.SetSource(SourceKind.MICROPHONE, 32767, 1), 49, silence_s=5.0)
    wanted = reference.run(Conditioner(32767, remove_dc=True).push(pcm))
    assert [step.audio_crc for step in run.steps] == [step.audio_crc for step in wanted]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        *((line, "native has no microphone: stream recordings to it") for line in ("", "bulky a b")),
        *(
            (f"microphone {words}".strip(), "microphone of native does not start: a parameter is outside")
            for words in ("", "a 1 0", "a 1 0 1 1", "a x 0 1", "a 1 1000 1", "a 4294967296 0 1")
        ),
        ("microphone missing.pcm 1 0 1", "microphone of native does not start: bytes arrived corrupted or truncated"),
    ],
)
def test_microphone_command_line_that_names_none_leaves_the_host(program, pcm, tmp_path, line, text):
    with firmware.running(program, line, tmp_path) as board, Link(board.url, timeout_s=5.0) as link:
        device = Device(link)
        with pytest.raises(KwsError, match=text):
            device.set_source(MICROPHONE)
        assert len(device.run(pcm[:16000]).steps) == 49


def test_sample_ring_between_two_threads_loses_nothing_that_it_does_not_count():
    program = native.build("sample_ring_test", ["tests/integration/native/sample_ring_test.cc"], flags=["-pthread"])
    result = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "ok\n"), result.stderr
