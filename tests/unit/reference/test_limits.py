"""What the protocol and the firmware cannot carry is refused before anything is built; one table says what that is."""

import dataclasses

import pytest
from kws_codegen.cli import main
from kws_codegen.generator import generate
from kws_reference import limits
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import MAX_PAYLOAD_BYTES, StateDigest, StepRecord

from tests.support.models import largest, matchbox


def test_limits_from_the_table_are_the_numbers_of_the_page():
    assert (limits.STEP_BYTES, limits.STATE_DIGEST_BYTES) == (26, 5)
    assert (limits.MAX_LABELS, limits.MAX_FRAMES_PER_STEP, limits.MAX_COEFFICIENTS) == (255, 255, 255)
    assert (limits.MAX_STATES, limits.MAX_TEXT_BYTES) == (190, 255)


def test_limits_equal_what_the_host_packs():
    step = StepRecord(0, 0, 0, 0, 0, 0, 0, bytes(3), bytes(8))
    assert len(step.encode()) == limits.step_payload_bytes(labels=3, frames_per_step=2, coefficients=4)
    digest = StateDigest(0, (0,) * limits.MAX_STATES)
    assert MAX_PAYLOAD_BYTES - 4 < len(digest.encode()) <= MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    "message, words",
    [
        (dict(frames=18, labels=23, states=0), "769 bytes"),
        (dict(frames=19, labels=4, states=0), "at most 18 frames per step"),
        (dict(frames=1, labels=256, states=0), "labels: 256, at most 255"),
        (dict(frames=1, labels=4, states=191), "states: 191, at most 190"),
    ],
    ids=str,
)
@pytest.mark.parametrize("engine", ["all", "tflm"])
def test_generate_beyond_a_limit_is_refused(message, words, engine, tmp_path, capsys):
    largest(**message).write(tmp_path / "bundle", name="large")
    command = ["generate", str(tmp_path / "bundle"), "--out", str(tmp_path / "out"), "--engine", engine]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [{}, dict(frames=1, labels=255, states=1)], ids=str)
def test_generate_at_the_limit_is_accepted(size, tmp_path):
    bundle = largest(**size).write(tmp_path / "bundle", name="large")
    assert limits.faults(bundle) == []
    assert "kLabelCount" in generate(bundle)["model_info.h"]


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(name="n" * 256), "bundle's name may have up to 255 bytes"),
        (dict(labels=("a", "b", "c", "é" * 128)), "a label may have up to 200 bytes"),
        (dict(labels=("a", "b", "c", "two\nlines")), "control character"),
        (dict(labels=("a", "b", "c", "zero\0")), "control character"),
        (dict(labels=("a", "b", "c", "\ud800")), "no valid Unicode"),
    ],
    ids=["name", "label", "newline", "zero", "surrogate"],
)
def test_generate_of_names_that_no_message_carries_is_refused(changes, words, tmp_path):
    bundle = dataclasses.replace(matchbox().write(tmp_path / "bundle"), **changes)
    with pytest.raises(KwsError, match=words):
        generate(bundle)


def test_generate_of_a_long_state_name_is_refused(tmp_path):
    bundle = matchbox().write(tmp_path / "bundle")
    states = (dataclasses.replace(bundle.states[0], name="s" * 201), *bundle.states[1:])
    with pytest.raises(KwsError, match="state's name may have up to 200 bytes"):
        generate(dataclasses.replace(bundle, states=states))
