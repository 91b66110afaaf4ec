"""MLPerf Tiny's client on the host, under sanitizers: every command, damaged bytes, laps, faults, a terminal."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from kws_firmware import sources
from kws_firmware.boards import FIRMWARE, load_board
from kws_host.emulator.pseudo_terminal import PseudoTerminal
from kws_reference.bundle import Bundle
from kws_reference.detector.integer import detector_tables, probability_table

from tests.support import faults, firmware, frontend_native, libfuzzer, mlperf, native
from tests.support.paths import ROOT

HERE = "tests/integration/native"
INCLUDES = [HERE, "firmware/src", "firmware/generated"]
GENERATED = ["firmware/generated/model_info.cc", "firmware/generated/detector_config.cc"]
GREETING = "m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n"
READY = "m-ready\r\n"
CAPACITY = 8192


@pytest.fixture(scope="module")
def bundle(bundle_path):
    return Bundle.load(bundle_path)


def build(*faults: str):
    name = "_".join(["mlperf_client", *faults]).lower()
    return native.build(
        name, [f"{HERE}/mlperf_client_main.cc", *mlperf.CLIENT, *GENERATED], includes=INCLUDES, defines=faults
    )


def say(text: str | bytes, *faults: str) -> str:
    """What the client says to some bytes, without its greeting."""
    data = text if isinstance(text, bytes) else text.encode()
    result = subprocess.run([build(*faults)], input=data, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr.decode()
    said = result.stdout.decode(errors="replace")
    return said if faults else said.removeprefix(GREETING)


def ask(*commands: str) -> list[str]:
    """Answers to some commands, each without its m-ready."""
    said = say("".join(f"{command}%" for command in commands))
    assert said.count(READY) == len(commands) and said.endswith(READY)
    return said.split(READY)[:-1]


def loaded(features: np.ndarray) -> list[str]:
    return mlperf.load_commands(features.tobytes())


def features_of(steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (steps, 80)).astype(np.int8)


def fake_scores(features: np.ndarray) -> np.ndarray:
    """What mlperf_fakes.h computes."""
    values = features.reshape(-1).astype(np.int64)
    return ((values * np.arange(1, len(values) + 1)).sum() + np.arange(12)).astype(np.uint8).view(np.int8)


# Each command


def test_client_at_its_start_greets_as_the_reference_does():
    result = subprocess.run([build()], input=b"", capture_output=True, timeout=60, text=False)
    assert result.stdout.decode() == GREETING


def test_name_profile_and_help_are_what_the_runner_looks_for(bundle):
    name, profile, help_text = ask("name", "profile", "help")
    assert re.fullmatch(r"m-name-dut-\[([^]]+)]\r\n", name)[1] == "kws-kit fake"
    assert profile.splitlines() == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[kws01]",
        f"m-bundle-[{bundle.name} {bundle.model_sha256}]",
    ]
    commands = {line.split()[0] for line in help_text.splitlines()[2:]}
    assert commands == {"help", "name", "profile", "timestamp", "db", "infer", "results"}


def test_every_line_of_every_answer_ends_with_cr_and_lf():
    said = say("name%profile%timestamp%help%db%db load 3%db 010203%db print%infer%results%what%")
    assert said.count("\n") == said.count("\r\n") == said.count("\r") and said.endswith("\r\n")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("", ""),
        ("   ", ""),
        ("start", "e-[Unknown command: start]\r\n"),
        ("names 1 2", "e-[Unknown command: names]\r\n"),
        ("NAME", "e-[Unknown command: NAME]\r\n"),
        ("db", "e-[Command 'db' requires a subcommand]\r\n"),
        ("db load", "e-[Command 'db load' requires the # of bytes]\r\n"),
        ("db load 0", "e-[Command 'db load' must be >0 bytes]\r\n"),
        ("db load x", "e-[Command 'db load' must be >0 bytes]\r\n"),
        ("db load -4", "e-[Command 'db load' must be >0 bytes]\r\n"),
        ("db load -99999999999999999999", "e-[Command 'db load' must be >0 bytes]\r\n"),
        ("db load 12x", "m-[Expecting 12 bytes]\r\n"),
        ("db  load   +12", "m-[Expecting 12 bytes]\r\n"),
        (f"db load {CAPACITY}", f"m-[Expecting {CAPACITY} bytes]\r\n"),
        (f"db load {CAPACITY + 1}", f"e-[Supplied buffer size {CAPACITY + 1} exceeds maximum of {CAPACITY}]\r\n"),
        ("db load 99999999999", f"e-[Supplied buffer size 2147483647 exceeds maximum of {CAPACITY}]\r\n"),
        ("db 012", "e-[Insufficient number of hex digits]\r\n"),
        ("db 01g2", "e-[Invalid hex digit 'g2']\r\n"),
        ("db 01", "e-[Command 'db' got more bytes than 'db load' announced]\r\n"),
        ("db print", ""),
        ("infer 0", "e-[Inference iterations must be >0]\r\n"),
        ("infer x", "e-[Inference iterations must be >0]\r\n"),
        ("infer 1 -1", "e-[Inference warmup must be >=0]\r\n"),
        ("infer", "e-[Input has 0 of 0 bytes, the model takes whole steps of 80]\r\n"),
        ("results", "e-[No results: command 'infer' makes them]\r\n"),
    ],
)
def test_command_alone_is_answered_by_its_line(command, answer):
    assert ask(command) == [answer]


def test_db_print_shows_what_was_loaded_eight_bytes_a_line():
    *_, printed = ask("db load 11", "db 000102030405060708", "db 09fF", "db print")
    assert printed == "m-buffer-00-01-02-03-04-05-06-07\r\nm-buffer-08-09-ff\r\n"


def test_db_with_more_bytes_than_announced_keeps_the_first():
    answers = ask("db load 2", "db 010203", "db 04", "db print", "db load 9000", "db 05", "db print")
    room = "e-[Command 'db' got more bytes than 'db load' announced]\r\n"
    assert answers[1:4] == ["m-load-done\r\n", room, "m-buffer-01-02\r\n"]
    assert answers[5:] == [room, ""]


def test_db_with_a_wrong_digit_takes_nothing_of_its_line():
    assert ask("db load 3", "db 0102zz", "db 03", "db print")[1:] == [
        "e-[Invalid hex digit 'zz']\r\n",
        "",
        "m-buffer-03\r\n",
    ]


def test_db_of_the_largest_input_takes_every_byte():
    data = np.random.default_rng(1).integers(0, 256, CAPACITY).astype(np.uint8).tobytes()
    *answers, printed = ask(*mlperf.load_commands(data), "db print")
    assert answers[-1] == "m-load-done\r\n" and answers[1:-1] == [""] * (len(answers) - 2)
    assert bytes.fromhex(printed.replace("m-buffer-", "").replace("-", "").replace("\r\n", "")) == data


# Inferences


@pytest.mark.parametrize("steps", [1, 2, 102])
def test_infer_of_whole_steps_prints_scores_and_their_posteriors(bundle, steps):
    features = features_of(steps, seed=steps)
    *_, answer, results = ask(*loaded(features), "infer 2 3", "results")
    found = mlperf.inferences_in(answer.splitlines())
    assert np.array_equal(found.scores, fake_scores(features))
    assert found.results == mlperf.results_of(found.scores, detector_tables(bundle))
    assert answer.endswith(results) and results.startswith("m-scores-[")


@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 256, -128), (0.0051, -90)])
def test_infer_of_a_model_whose_scores_are_probabilities_prints_them(scale, zero_point, bundle):
    tables = dataclasses.replace(detector_tables(bundle), probability_q15=probability_table(scale, zero_point))
    folder = frontend_native.generate(bundle.frontend, tables)
    sources = [f"{HERE}/mlperf_client_main.cc", *mlperf.CLIENT, folder / "detector_config.cc"]
    sources.append("firmware/generated/model_info.cc")
    program = native.build("mlperf_client_probabilities", sources, includes=[folder, *INCLUDES])
    for seed in range(20):
        features = features_of(1, seed)
        text = "".join(f"{command}%" for command in [*loaded(features), "infer 1 0"])
        said = subprocess.run([program], input=text.encode(), capture_output=True, timeout=60).stdout.decode()
        found = mlperf.inferences_in(said.split("m-infer-start-1")[1].splitlines())
        assert found.results == mlperf.results_of(fake_scores(features), tables)


def test_infer_lines_are_those_of_the_reference_in_their_order():
    *_, answer, default = ask(*loaded(features_of(1)), "infer 2 3", "infer")
    kinds = ["m-warmup-start-3", "m-warmup-done", "m-infer-start-2", "m-lap-us", "m-lap-us", "m-infer-done"]
    kinds += ["m-scores", "m-results"]
    lines = answer.splitlines()
    assert len(lines) == len(kinds) and all(map(str.startswith, lines, kinds))
    assert default.splitlines()[0] == "m-warmup-start-10" and default.splitlines()[2] == "m-infer-start-1"


@pytest.mark.parametrize(("steps", "n", "w"), [(1, 1, 0), (3, 1, 0), (2, 7, 5), (1, 40, 10)])
def test_infer_laps_count_ticks_beyond_32_bits(steps, n, w):
    """A step of the fake engine takes 3 * 10^9 ticks of 5/64 instruction, at 25 MHz."""
    *_, answer = ask(*loaded(features_of(steps)), f"infer {n} {w}")
    first, last = (int(line.rsplit("-", 1)[1]) for line in answer.splitlines() if line.startswith("m-lap-us"))
    each = Fraction(3 * 10**9 * 5, 64) * 10**6 / 25_000_000
    assert (first, last) == (int(each * steps * w), int(each * steps * (w + n)))


def test_infer_again_starts_from_reset_states():
    commands = [*loaded(features_of(2)), "infer 1 0", "infer 5 2"]
    *_, once, often = ask(*commands)
    assert once.splitlines()[-2:] == often.splitlines()[-2:]


@pytest.mark.parametrize(("announced", "sent"), [(160, 159), (160, 80), (79, 79), (81, 81)])
def test_infer_of_too_few_bytes_or_half_a_step_is_refused(announced, sent):
    commands = [f"db load {announced}", *(f"db {'00' * min(31, sent - at)}" for at in range(0, sent, 31))]
    *_, answer, results = ask(*commands, "infer 1 0", "results")
    assert answer == f"e-[Input has {sent} of {announced} bytes, the model takes whole steps of 80]\r\n"
    assert results == "e-[No results: command 'infer' makes them]\r\n"


def test_engine_that_did_not_start_is_told_by_infer():
    said = say("".join(f"{each}%" for each in [*loaded(features_of(1)), "infer 1 0"]), "FAKE_INIT_FAILS")
    assert said.endswith(f"e-[The engine did not start: out of range]\r\n{READY}") and "m-results" not in said


def test_engine_that_fails_gives_no_results():
    commands = [*loaded(features_of(2)), "infer 1 0", "results"]
    said = say("".join(f"{each}%" for each in commands), "FAKE_STEP_FAILS")
    failed, results = said.split(READY)[-3:-1]
    assert failed.endswith("m-infer-done\r\ne-[The engine failed: internal]\r\n") and "m-results" not in said
    assert results == "e-[No results: command 'infer' makes them]\r\n"


def test_board_without_a_clock_tells_no_laps():
    said = say("timestamp%", "FAKE_NO_CLOCK")
    assert said.count("e-[This board has no clock that counts]\r\n") == 2 and "m-lap-us" not in said


# Lines


def test_commands_with_line_ends_and_other_bytes_between_are_read_past():
    assert say("na\r\nme%\r\nname%\n") == say("name%name%")


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("db " + "0" * 100, "e-[Insufficient number of hex digits]\r\n"),  # 77 digits are left
        ("x" * 200, f"e-[Unknown command: {'x' * 80}]\r\n"),
        ("name" + " " * 76 + "x", "m-name-dut-[kws-kit fake]\r\n"),
    ],
)
def test_command_of_more_than_80_characters_is_answered_by_its_first_80(sent, heard):
    assert ask(sent, "db print") == [heard, ""]


def test_command_with_a_zero_byte_ends_there():
    assert say(b"name\0more%") == say("name%")


def test_bytes_that_are_no_text_are_an_unknown_command():
    data = bytes(value for value in range(1, 256) if chr(value) not in "\r\n %")[:80]
    assert say(data + b"%").startswith("e-[Unknown command: ??")


def test_every_byte_of_an_answer_is_a_character_of_ascii(tmp_path, bundle):
    """The runner reads byte by byte: its reader ends with the first byte that is no character of its own."""
    named = faults.change(tmp_path, {"model_info.h": (r'kName\[\] = "[^"]*"', r'kName[] = "w\\303\\266rter"')})
    program = native.build(
        "mlperf_client_named",
        [f"{HERE}/mlperf_client_main.cc", *mlperf.CLIENT, *(named / Path(path).name for path in GENERATED)],
        includes=[named, HERE, "firmware/src"],
    )
    sent = b"profile%h\xc3\xb6r zu%db load 1%db \xff\xfe%"
    said = subprocess.run([program], input=sent, capture_output=True, timeout=60).stdout.decode("ascii")
    assert f"m-bundle-[w??rter {bundle.model_sha256}]\r\n" in said
    assert "e-[Unknown command: h??r]\r\n" in said and "e-[Invalid hex digit '??']\r\n" in said


# Hostile bytes


def test_client_fuzzed_with_damaged_commands_under_sanitizers_holds():
    program = native.build("mlperf_fuzz", [f"{HERE}/mlperf_fuzz.cc", *mlperf.CLIENT, *GENERATED], includes=INCLUDES)
    result = subprocess.run([program, "1", "3000"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "3000 inputs\n"


def test_client_under_libfuzzer_holds(tmp_path):
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is not installed: libFuzzer needs it (the seeded loop above ran)")
    program = native.build(
        "mlperf_libfuzzer",
        [f"{HERE}/mlperf_fuzz.cc", *mlperf.CLIENT, *GENERATED],
        includes=INCLUDES,
        defines=["KWS_LIBFUZZER"],
        flags=["-fsanitize=fuzzer"],
        compiler="clang++",
    )
    (tmp_path / "seeds").mkdir()
    for number, command in enumerate([*loaded(features_of(2)), "infer 2 1", "results", "db print", "profile"]):
        (tmp_path / "seeds" / str(number)).write_text(f"{command}%")
    command = [
        program,
        *libfuzzer.MEMORY,
        "-runs=20000",
        "-seed=1",
        "-max_len=2000",
        "-max_total_time=30",
        tmp_path / "seeds",
    ]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Done 20000 runs" in result.stderr or "DONE" in result.stderr


# The whole application with the released model, on a pseudo-terminal


@pytest.fixture(scope="module")
def application():
    board = load_board("native")
    own = sources.files("src/mlperf", *(f"boards/{name}" for name in board.folders))
    generated = sources.generated_files(FIRMWARE / "generated", "aot")
    macros = [f"{name}={value}" for name, value in board.macros.items()]
    includes = ["firmware/boards", "firmware/src", "firmware/generated"]
    return native.build("mlperf_native", [*own, *generated], includes=includes, defines=macros)


@pytest.fixture
def device(application):
    """The application, and the terminal that it is on."""
    with firmware.running(application) as running, PseudoTerminal("127.0.0.1", running.port) as terminal:
        yield running, terminal.device


def test_application_on_a_terminal_equals_the_interpreter(device, bundle):
    features = np.random.default_rng(3).integers(-128, 128, (20, *bundle.features.shape[1:])).astype(np.int8)
    with mlperf.Runner(device[1]) as runner:
        assert runner.load(features.tobytes())[-1] == ["m-load-done"]
        answer = runner.ask("infer 1 1")
    assert answer.count("e-[This board has no clock that counts]") == 2  # the host's cycles have no known length
    assert f"m-scores-[{','.join(map(str, mlperf.expected(bundle, features)))}]" in answer


@pytest.mark.parametrize("at_a_time", [31, 26])
def test_application_goes_through_the_runners_sequence(device, bundle, at_a_time):
    rng = np.random.default_rng(5)
    with mlperf.StrictRunner(device[1]) as runner:
        runner.clear()
        runner.begin("db load 3")
        assert runner.clear() == "m-[Expecting 3 bytes]\r\nm-ready\r\n"
        found = runner.identify()
        assert (
            found["model"] == "kws01" and found["name"] == "kws-kit native" and found["profile"].startswith("ULPMark")
        )
        for steps in (1, 49):
            features = rng.integers(-128, 128, (steps, *bundle.features.shape[1:])).astype(np.int8)
            measured = runner.measure(features.tobytes(), 1, 0, at_a_time)
            wanted = mlperf.results_of(mlperf.expected(bundle, features), detector_tables(bundle))
            assert measured.results == [float(value) for value in wanted] and measured.inferences == 1
            assert sum(measured.results) > 0  # it divides by their sum
            assert measured.elapsed_us is None  # the host's cycles have no known length


def test_application_that_faults_says_so_and_starts_again(device):
    running, path = device
    with mlperf.Runner(path) as runner:
        runner.load(bytes(80))
        running.process.send_signal(signal.SIGSEGV)
        lines = runner.lines()
        assert "e-[HardFault at 00000000]" in lines and lines[-1] == "m-init-done"
        assert runner.ask("infer") == ["e-[Input has 0 of 0 bytes, the model takes whole steps of 80]"]


def test_page_names_the_same_limits_as_the_sources():
    page = (ROOT / "host" / "MLPERF.md").read_text(encoding="utf-8")
    assert f"{CAPACITY:,} bytes" in page and "80 characters" in page
