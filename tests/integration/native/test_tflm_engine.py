"""Engine `tflm` with a fake interpreter on the host: states, reset, profile, log. Only the real one is missing."""

import subprocess
import zlib

import numpy as np
import pytest
from kws_firmware import sources
from kws_reference.bundle import Bundle

from tests.support import native, tflm_tree

GENERATED = "firmware/generated"
SOURCES = [
    "tests/integration/native/tflm_runner.cc",
    *sources.files(sources.engine_folder("tflm")),
    "firmware/src/link/crc32.cc",
    f"{GENERATED}/model_info.cc",
    f"{GENERATED}/tflm_model.cc",
    *tflm_tree.SOURCES,
]
INCLUDES = ["firmware/src", GENERATED, *tflm_tree.INCLUDES]


def run(defines=()) -> list[str]:
    """Output lines of the runner, built with the given macros."""
    defines = [*tflm_tree.DEFINES, *defines]
    program = native.build("tflm_runner", SOURCES, includes=INCLUDES, defines=defines)
    result = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def lines():
    return run()


class Twin:
    """What the fake interpreter computes: output byte k of output j is the sum of all input bytes + 7 j + k."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self.reset()

    def reset(self):
        self.states = [np.full(int(np.prod(state.shape)), state.reset_value, np.int8) for state in self.bundle.states]

    def step(self, index: int) -> list[int]:
        count = int(np.prod(self.bundle.features.shape))
        features = (31 * index + 7 * np.arange(count)).astype(np.uint8)
        total = int(features.sum()) + sum(int(state.view(np.uint8).astype(np.int64).sum()) for state in self.states)

        def output(j: int, size: int) -> np.ndarray:
            return ((total + 7 * j + np.arange(size)) & 0xFF).astype(np.uint8).view(np.int8)

        self.states = [
            output(state.output_index, len(values))
            for state, values in zip(self.bundle.states, self.states, strict=True)
        ]
        return output(self.bundle.scores.index, len(self.bundle.labels)).tolist()

    def state_lines(self) -> list[str]:
        return [
            f"state {state.name} {len(values)} {zlib.crc32(values.tobytes())}"
            for state, values in zip(self.bundle.states, self.states, strict=True)
        ]


@pytest.fixture
def twin(bundle_path):
    return Twin(Bundle.load(bundle_path))


def test_tflm_engine_states_fed_back_and_digested(lines, twin):
    states = [line for line in lines if line.startswith("state ")]
    steps = [line for line in lines if line.startswith("step ")]
    count = len(twin.bundle.states)
    assert states[:count] == twin.state_lines()  # reset values, though Init() ran the graph once
    for index in range(3):
        assert steps[index] == "step 0 " + " ".join(map(str, twin.step(index)))
    assert states[count:] == twin.state_lines()


def test_tflm_engine_reset_same_scores_as_at_first(lines):
    steps = [line for line in lines if line.startswith("step ")]
    assert steps[3] == steps[0] and steps[1] != steps[0]


def test_tflm_engine_profile_changes_no_score(lines, twin):
    steps = [line for line in lines if line.startswith("step ")]
    twin.step(0)
    for line, index in zip(steps[4:], (0, 1, 0), strict=True):
        assert line == "step 0 " + " ".join(map(str, twin.step(index)))


def test_tflm_engine_before_init_refused(lines):
    assert lines[0] == "early 6 0"  # kFailedPrecondition, no bytes
    assert lines[1] == "name tflm" and lines[2] == "init 0"


def test_tflm_engine_read_state_out_of_range_nothing(lines):
    assert "beyond 0 0" in lines


def test_tflm_engine_buffers_are_measured(lines, twin):
    state_bytes = sum(len(state) for state in twin.states)
    [line] = [line for line in lines if line.startswith("buffers ")]
    states, arena, weights = map(int, line.split()[1:])
    assert states == state_bytes
    assert weights == len(twin.bundle.model)
    # The fake arena holds inputs and outputs, each rounded up to 16 bytes.
    sizes = [len(state) for state in twin.states] * 2 + [
        int(np.prod(twin.bundle.features.shape)),
        len(twin.bundle.labels),
    ]
    assert arena == sum((size + 15) // 16 * 16 for size in sizes)


def test_tflm_engine_profile_adds_each_operators_ticks(lines, twin):
    [line] = [line for line in lines if line.startswith("layers ")]
    operators = len(twin.states) + 1
    assert line == f"layers {operators} CHECKSUM []" + " 10" * operators  # two steps, 5 ticks each


def test_tflm_log_formats_without_stdio(lines):
    assert [line for line in lines if line.startswith("log ")] == [
        "log 5 [plain]",
        "log 16 [-5 7 ff text z %]",
        "log 36 [-2147483647 9 3|-922337]",  # cut, the whole length returned
        "log 14 [value %f of %d]",
        "log 6 [(null)]",
        "log 2 [4%]",
    ]


def test_tflm_engine_tree_without_cmsis_nn_compiles():
    """There the registrations for int8 alone are inline functions that give the general ones."""
    folders = [native.ROOT / folder for folder in ["firmware/include", *INCLUDES]]
    command = ["g++", "-std=gnu++17", "-fsyntax-only", *native.WARNINGS, *[f"-I{folder}" for folder in folders]]
    source = native.ROOT / "firmware/src/engine/tflm/tflm_runtime.cc"
    result = subprocess.run([*command, "-DTF_LITE_STATIC_MEMORY", source], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_tflm_engine_arena_too_small_reported_and_logged():
    output = run(defines=["KWS_TFLM_ARENA_BYTES=2048"])
    assert any(line.endswith("init 2") for line in output)  # kOutOfRange
    assert any("Failed to allocate" in line for line in output)
