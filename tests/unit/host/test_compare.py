"""The one comparison of device and reference, and the check around it, without a device and without a command line."""

import dataclasses
import time

import pytest
from kws_host import project, reference_run, trace
from kws_host.checking import CheckJob, check, summarise
from kws_host.checking_boards import check_boards
from kws_host.clips import Clip
from kws_host.compare import compare, compare_run
from kws_host.device import Run
from kws_host.link import LinkError, RequestRefused
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config

from tests.support import clip_files


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(Bundle.load(project.RELEASED_BUNDLE))


@pytest.fixture(scope="module")
def reference(pipeline):
    """The reference's steps of a word that it detects, with digests of its states."""
    steps = pipeline.run(clip_files.word(), state_crcs=True)
    assert any(step.detection for step in steps)
    return steps


def run_of(steps) -> Run:
    """What a device sends that computes the reference's integers."""
    run = Run()
    for step in steps:
        results = step.scores.tobytes(), step.features.tobytes()
        top = step.top_label, step.top_smoothed_q15
        run.steps.append(messages.StepRecord(step.index, step.audio_crc, 10, 20, 30, *top, *results))
        run.digests.append(messages.StateDigest(step.index, tuple(step.state_crcs)))
        if step.detection:
            run.detections.append(messages.DetectionRecord(**dataclasses.asdict(step.detection)))
    return run


def changed(run: Run, step: int, **changes: object) -> None:
    run.steps[step] = dataclasses.replace(run.steps[step], **changes)


def test_compare_equal_sides_have_every_integer_and_no_mismatch(pipeline, reference):
    bundle = pipeline.bundle
    with_states = compare_run(bundle, run_of(reference), reference)
    assert (with_states.mismatches, with_states.first) == (0, None)
    assert with_states.integers == 49 * (1 + 80 + 12 + 2 + 2)
    without = [dataclasses.replace(step, state_crcs=()) for step in reference]
    assert compare_run(bundle, run_of(reference), without).integers == 49 * (1 + 80 + 12 + 2 + 2)
    nothing = compare_run(bundle, Run(), [])
    assert (nothing.integers, nothing.mismatches, nothing.first) == (0, 0, None)


def test_compare_names_the_first_mismatch_in_the_order_of_computation(pipeline, reference):
    bundle, run = pipeline.bundle, run_of(reference)
    expected = []  # from the last place to the first
    run.steps.pop()
    expected.append("step 48, stage audio: number of steps: device 48, reference 49")
    event = next(step for step in reference if step.detection)
    at, name = event.index, bundle.labels[event.detection.label]
    run.detections.clear()
    expected.append(
        f"step {at}, stage detection: event: device none, reference {name} at {event.detection.smoothed_q15}/32768"
    )
    changed(run, at, top_label=200)
    top = f"{event.top_smoothed_q15}/32768"
    expected.append(
        f"step {at}, stage detection: top label: device label 200 at {top}, "
        f"reference {bundle.labels[event.top_label]} at {top}"
    )
    scores = reference[at].scores.copy().reshape(-1)
    scores[3] ^= 1
    changed(run, at, scores=scores.tobytes())
    right = reference[at].scores.reshape(-1)[3]
    expected.append(f"step {at}, stage scores: label {bundle.labels[3]}: device {scores[3]}, reference {right}")
    crcs = list(run.digests[at].crcs)
    crcs[2] ^= 1
    run.digests[at] = dataclasses.replace(run.digests[at], crcs=tuple(crcs))
    expected.append(
        f"step {at}, stage state {bundle.states[2].name}: CRC: device {crcs[2]:#010x}, reference {crcs[2] ^ 1:#010x}"
    )
    changed(run, at, features=run.steps[at].features[:-1])
    expected.append(f"step {at}, stage features: count: device 79, reference 80")
    features = reference[at - 1].features.copy().reshape(-1)
    features[41] ^= 1
    changed(run, at - 1, features=features.tobytes())
    right = reference[at - 1].features.reshape(-1)[41]
    expected.append(f"step {at - 1}, stage features: frame 1 coefficient 1: device {features[41]}, reference {right}")
    crc = run.steps[at - 1].audio_crc
    changed(run, at - 1, audio_crc=crc ^ 1)
    expected.append(f"step {at - 1}, stage audio: CRC of the PCM: device {crc ^ 1:#010x}, reference {crc:#010x}")

    repairs = [  # from the first place to the last
        lambda: changed(run, at - 1, audio_crc=crc),
        lambda: changed(run, at - 1, features=reference[at - 1].features.tobytes()),
        lambda: changed(run, at, features=reference[at].features.tobytes()),
        lambda: run.digests.__setitem__(at, messages.StateDigest(at, tuple(reference[at].state_crcs))),
        lambda: changed(run, at, scores=reference[at].scores.tobytes()),
        lambda: changed(run, at, top_label=event.top_label),
        lambda: run.detections.append(messages.DetectionRecord(**dataclasses.asdict(event.detection))),
        lambda: run.steps.append(run_of(reference).steps[-1]),
    ]
    for left, (line, repair) in enumerate(zip(reversed(expected), repairs, strict=True)):
        result = compare_run(bundle, run, reference)
        assert (str(result.first), result.mismatches) == (line, len(expected) - left)
        repair()
    assert compare_run(bundle, run, reference).mismatches == 0


def test_compare_event_behind_the_last_step_is_a_mismatch(pipeline, reference):
    run = run_of(reference)
    run.detections.append(messages.DetectionRecord(60, 2, 100))
    result = compare_run(pipeline.bundle, run, reference)
    text = f"step 60, stage detection: event: device {pipeline.bundle.labels[2]} at 100/32768, reference none"
    assert (str(result.first), result.mismatches) == (text, 1)


@pytest.mark.parametrize(
    ("field", "place", "stage", "what"),
    [
        ("feature_crcs", (5,), "features", "CRC"),
        ("scores", (5, 3), "scores", "label "),
        ("events", (5, 0), "detection", "event"),
        ("events", (5, 1), "detection", "event"),
    ],
)
def test_compare_bulk_results_by_the_same_rule(pipeline, reference, field, place, stage, what):
    bundle = pipeline.bundle
    right = reference_run.as_bulk_results(bundle, reference)
    values = getattr(right, field).copy()
    values[place] ^= 1
    wrong = dataclasses.replace(right, **{field: values})
    assert compare(trace.of_bulk(bundle, right), trace.of_bulk(bundle, right)).mismatches == 0
    result = compare(trace.of_bulk(bundle, wrong), trace.of_bulk(bundle, right))
    assert (result.mismatches, result.first.step, result.first.stage) == (1, 5, stage)
    assert result.first.what.startswith(what)


class DeviceOfTheReference:
    """In the place of `Device`: runs recordings through the reference, with faults planted by step and field."""

    def __init__(self, pipeline, faults=(), *, sha256=None):
        self.info = dataclasses.make_dataclass("Info", ["model_sha256", "model_name"])(
            sha256 or pipeline.bundle.model_sha256, "other"
        )
        self.configured = []
        self._pipeline, self._faults = pipeline, list(faults)

    def configure(self, config):
        self.configured.append(config)

    def detector(self):
        """As firmware from before its detector could be asked for its settings."""
        raise RequestRefused("port", messages.Error(messages.ErrorCode.UNKNOWN_TYPE, 0, 0))

    def run(self, pcm, on_progress=None):
        run = run_of(self._pipeline.run(pcm, state_crcs=True))
        for clip, step, changes in self._faults:
            if clip == len(pcm):
                changed(run, step, **changes)
        return run


def job(pipeline, **options) -> CheckJob:
    """Three clips, which their lengths tell apart."""
    audio = [clip_files.word(), clip_files.noise(1)[:9000], clip_files.noise(2)[:12000]]
    clips = tuple(Clip(None, f"{len(pcm)}.wav", label) for pcm, label in zip(audio, ("left", "", "no"), strict=True))
    return CheckJob(pipeline, clips, tuple(audio), **options)


def test_check_right_device_agrees_in_all_clips(pipeline):
    results = list(check(DeviceOfTheReference(pipeline), job(pipeline)))
    assert [result.heard for result in results][0] == "left"
    assert [bool(result.detected) for result in results] == [True, False, False]
    sums = summarise(results, 3)
    assert sums["mismatches"] == 0 and sums["integers"] == sums["steps"] * (1 + 80 + 12 + 2 + 2)
    assert (sums["clips"], sums["clips_not_run"], sums["labelled"]) == (3, 0, 2)


def test_check_ends_with_the_first_clip_that_differs_unless_told_to_go_on(pipeline):
    device = DeviceOfTheReference(pipeline, [(9000, 7, {"audio_crc": 1})])
    results = list(check(device, job(pipeline)))
    assert [result.comparison.mismatches for result in results] == [0, 1]
    assert results[1].comparison.first.stage == "audio" and summarise(results, 3)["clips_not_run"] == 1
    # The clip was run once more, and the device left as it was.
    assert device.configured == [Config.FEATURES | Config.STATE_DIGESTS] * 2
    results = list(check(device, job(pipeline, keep_going=True)))
    assert [result.comparison.mismatches for result in results] == [0, 1, 0]


def test_check_device_with_another_model_is_refused_before_it_is_configured(pipeline):
    device = DeviceOfTheReference(pipeline, sha256="00" * 32)
    with pytest.raises(KwsError, match="the device runs model other"):
        check(device, job(pipeline))
    assert device.configured == []


class EndlessDevice(DeviceOfTheReference):
    """Streams a recording that ends only when it is told to, or when this test would hang."""

    def run(self, pcm, on_progress=None):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            on_progress(0)
            time.sleep(0.01)
        self.hung = True
        return super().run(pcm)


def test_check_of_boards_with_a_broken_link_or_a_mismatch_ends_the_others_within_their_recordings(pipeline):
    endless, lost = EndlessDevice(pipeline), DeviceOfTheReference(pipeline)
    lost.run = lambda *_: (_ for _ in ()).throw(LinkError("unplugged"))
    with pytest.raises(LinkError, match="unplugged"):
        list(check_boards([endless, lost], job(pipeline), fail_fast=False))
    wrong = DeviceOfTheReference(pipeline, [(16000, 7, {"audio_crc": 1})])
    results = list(check_boards([endless, wrong], job(pipeline), fail_fast=True))
    assert [(index, result.differs) for index, result in results] == [(1, True)]
    assert not hasattr(endless, "hung")
