"""`kws-host check` of adopted models: a fault planted in the C++ is named by stage, and by layer in the network."""

import json
import re
import shutil

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate

from tests.support import clip_files, faults, firmware, host_cli, wake_words
from tests.support.published import PUBLISHED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wake_word(tmp_path_factory):
    bundle = wake_words.adopt("hey_jarvis", tmp_path_factory.mktemp("wake_word") / "hey_jarvis")
    write_files(bundle.path.parent / "right", generate(bundle))
    pcm = wake_words.say("hey jarvis", bundle.path.parent / "word.wav")  # the network is silent on noise
    clip_files.write_wav(bundle.path.parent / "audio/word.wav", pcm)
    return bundle


@pytest.fixture(scope="module")
def gru(tmp_path_factory):
    bundle = PUBLISHED["gru"].bundle(tmp_path_factory.mktemp("gru") / "gru")
    write_files(bundle.path.parent / "right", generate(bundle))
    clip_files.write_wav(bundle.path.parent / "audio/noise.wav", clip_files.noise(1))
    return bundle


def _mismatch(capsys, bundle, name, plant) -> str:
    """The line that says what a firmware with a fault does wrong."""
    shutil.rmtree(bundle.path.parent / "generated", ignore_errors=True)
    program = firmware.real_firmware(plant(bundle.path.parent, bundle.path.parent / "right"), name)
    with firmware.running(program) as board:
        words = ("check", bundle.path.parent / "audio", "--bundle", bundle.path, "--port", board.url)
        status, out, err = host_cli.run(capsys, *words)
    assert (status, err) == (1, "")
    return re.search(r"^MISMATCH .*$", out, re.MULTILINE).group(0)


def _table(name, entry, by):
    return lambda folder, right: faults.change_table(folder, name, entry, by, right)


def _constant(name, by):
    pattern = rf"({name} = )\d+", rf"\g<1>{by}"
    return lambda folder, right: faults.change(folder, {"frontend_tables.h": pattern}, right)


@pytest.mark.parametrize(
    ("stage", "plant"),
    [
        ("spectrum", _table("kWindowQ12", 200, 40)),
        ("spectrum", _table("kTwiddleQ15", 33, 1)),
        ("filter bank", _table("kWeightQ12", 100, 64)),
        ("noise reduction", _constant("kEvenSmoothingQ14", 410)),
        ("noise reduction", _constant("kMinSignalRemainingQ14", 4000)),
        ("gain control", _table("kGain", 4 * 14, 9)),
        ("logarithm", _table("kLog2Q16", 40, 2000)),
    ],
)
def test_check_adopted_wake_word_fault_of_the_front_end_names_its_stage(capsys, wake_word, stage, plant):
    line = _mismatch(capsys, wake_word, "mutant_wake_word", plant)
    assert re.search(rf"step \d+, stage front end, {stage}: CRC: device 0x\w+, reference 0x\w+$", line), line


def test_check_adopted_wake_word_fault_of_the_quantization_names_features(capsys, wake_word):
    line = _mismatch(capsys, wake_word, "mutant_wake_word", _constant("kFeatureMultiplier", 401800))
    assert re.search(r"stage features: frame \d coefficient \d+: device -?\d+, reference -?\d+$", line), line


@pytest.mark.parametrize(
    ("array", "stage", "layer"),
    [
        ("kStreamConvolutionWeights", "state stream_1", "CONV_2D"),
        ("kStream3PointwiseWeights", "state stream_4", "CONV_2D"),
        ("kStream5DenseWeights", "scores", "FULLY_CONNECTED"),
    ],
)
def test_check_adopted_wake_word_fault_of_a_weight_names_state_and_layer(capsys, wake_word, array, stage, layer):
    line = _mismatch(
        capsys, wake_word, "mutant_wake_word", lambda folder, right: faults.flip_weight(folder, array, 100, 6, right)
    )
    assert re.search(rf"stage {stage}: .*; layers that can be at fault: .*{layer} \(operator", line), line


@pytest.mark.parametrize("array", ["kInputPointwiseWeights", "kState1ResidualWeights"])
def test_check_held_state_fault_of_a_weight_names_state_and_layers(capsys, gru, array):
    line = _mismatch(capsys, gru, "mutant_gru", lambda folder, right: faults.flip_weight(folder, array, 100, 6, right))
    layers = r"layers that can be at fault: CONV_2D \(operator 0, output 'front'\), .* and \d+ more$"
    assert re.search(rf"stage state state1: CRC: device 0x\w+, reference 0x\w+; {layers}", line), line


def test_check_and_bench_adopted_wake_word_agree_and_list_every_layer(capsys, wake_word):
    program = firmware.real_firmware(wake_word.path.parent / "right", "mutant_wake_word")
    with firmware.running(program) as board:
        words = ("check", wake_word.path.parent / "audio", "--bundle", wake_word.path, "--port", board.url)
        status, out, _ = host_cli.run(capsys, *words)
        assert status == 0 and "The model has one label: what it hears is in the detections alone." in out
        assert "Heard as labelled" not in out and "gets wrong" not in out
        status, out, _ = host_cli.run(capsys, "bench", "--port", board.url, "--steps", "5", "--json", "-")
    names = [layer["layer"] for layer in json.loads(out)["layers"]]
    assert status == 0 and {"stream.convolution", "stream_4.pointwise"} <= set(names)
