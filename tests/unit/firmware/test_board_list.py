"""A board is stated once, in its file: everything else that names boards agrees with it."""

import ast
import json
import re
import subprocess
import sys
from fractions import Fraction

import pytest
from kws_firmware import sources, tables
from kws_firmware.boards import FIRMWARE, FOLDER, Board, emulated_boards, load_board, load_boards
from kws_firmware.environments import environments
from kws_reference.errors import KwsError

from tests.support import native

BOARDS = load_boards()


@pytest.fixture(scope="module")
def declared():
    pytest.importorskip("platformio", reason="PlatformIO is missing (pip install .[host])")
    return {item.name: item for item in environments()}


def test_board_has_an_environment_of_its_name_with_the_generated_engine(declared):
    for name in BOARDS:
        found = declared[name]
        assert (found.board, found.engine, found.application) == (name, "aot", "app")
    assert [item.name for item in declared.values() if item.is_default] == ["mps2_an386"]


def test_environment_is_of_a_board_of_ours_or_of_another_platform(declared):
    others = [item for item in declared.values() if item.board not in BOARDS]
    assert others and {item.folder for item in others} == {"arduino"}
    assert not any(item.folder for item in declared.values() if item.board in BOARDS)


def test_emulated_environment_has_a_port_of_its_own(declared):
    ports = [item.upload_port for item in declared.values() if item.board in emulated_boards()]
    assert all(re.fullmatch(r"socket://127\.0\.0\.1:\d+", port) for port in ports)
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("name", BOARDS)
def test_board_file_names_folders_and_a_linker_script_that_exist(name):
    board = BOARDS[name]
    for folder in board.folders:
        assert (FIRMWARE / "boards" / folder).is_dir(), folder
    assert board.toolchain in ("arm", "host")
    if board.toolchain == "arm":
        assert (FIRMWARE / "platform" / "ldscripts" / board.linker_script).is_file()
        assert board.clock_hz > 0 and (FIRMWARE / "boards" / name / "board_config.h").is_file()


_UNITS = {"": 1, "K": 1024, "M": 1024 * 1024}


def _flash_of(script: str) -> tuple[int, int]:
    """Where a linker script has flash begin and end."""
    text = (FIRMWARE / "platform" / "ldscripts" / script).read_text(encoding="utf-8")
    origin, length = re.search(r"FLASH \(rx\) *: ORIGIN = (0x\w+), LENGTH = ([\w -]+)\n", text).groups()
    sizes = [int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([KM]?)", length)]
    return int(origin, 16), int(origin, 16) + sizes[0] - sum(sizes[1:])


@pytest.mark.parametrize(
    "name", [name for name, board in BOARDS.items() if not board.is_emulated and board.linker_script]
)
def test_board_file_has_the_flash_of_the_linker_script_less_what_settings_are_kept_in(name):
    upload = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["upload"]
    begin, end = _flash_of(BOARDS[name].linker_script)
    assert (int(upload["offset_address"], 16), upload["maximum_size"]) == (begin, end - begin)
    config = (FIRMWARE / "boards" / name / "board_config.h").read_text(encoding="utf-8")
    first, second = re.search(r"kSettingsAreas\{(0x\w+), (0x\w+)\};", config).groups()
    assert "settings_log" in BOARDS[name].folders and end == int(first, 16) < int(second, 16)


def test_every_folder_of_the_firmware_takes_part_in_some_firmware(declared):
    used = {
        name
        for item in declared.values()
        for name in sources.folders(
            BOARDS.get(item.board) or Board.from_manifest(item.board, {"build": {}}, item.folder),
            item.engine,
            item.application,
        )
    }
    used |= {path.parent.relative_to(FIRMWARE).as_posix() for path in sources.web_files(FIRMWARE / "generated")}
    with_sources = {
        path.parent.relative_to(FIRMWARE) for top in ("src", "boards") for path in (FIRMWARE / top).rglob("*.cc")
    }
    assert {path for path in with_sources if not used & {path.as_posix(), path.parent.as_posix()}} == set()


def test_load_board_of_an_unknown_name_lists_those_that_there_are():
    with pytest.raises(ValueError, match="the boards are .*netduinoplus2.* Received: 'mps2'"):
        load_board("mps2")


def test_load_boards_with_a_damaged_file_names_it(tmp_path):
    (tmp_path / "odd.json").write_text('{"name": "no build"}')
    with pytest.raises(ValueError, match="odd.json is no board's file: KeyError"):
        load_boards(tmp_path)


def test_board_without_emulator_is_listed_and_not_emulated(tmp_path):
    manifest = json.loads((FOLDER / "netduinoplus2.json").read_text())
    del manifest["emulator"]
    (tmp_path / "chip.json").write_text(json.dumps(manifest))
    chip = load_boards(tmp_path)["chip"]
    assert not chip.is_emulated and "KWS_ICOUNT_SHIFT" not in chip.macros
    folders = ("cortex_m", "recorded_microphone", "plain", "settings_file", "stm32", "stm32f4", "chip")
    assert chip.folders == folders and chip.clock_hz == 168_000_000


# Ticks of a counter per emulated instruction, as C++ computes them


@pytest.mark.parametrize(
    ("clock_hz", "shift"), [(25_000_000, 9), (20_000_000, 9), (15_625_000, 6), (4_000_000_000, 10), (1, 0)]
)
def test_ticks_per_instruction_are_the_clock_times_the_instruction(clock_hz, shift, tmp_path):
    program = tmp_path / "ticks.cc"
    program.write_text(
        '#include <cstdio>\n#include "cortex_m/board_facts.h"\nint main() {\n'
        "  constexpr auto ticks = kws::board::TicksPerInstruction(kws::board::kClockHz, kws::board::kInstructionNs);\n"
        '  std::printf("%u %u", ticks.numerator, ticks.denominator);\n}\n'
    )
    board = Board("x", "", clock_hz, "arm", (), "", (), shift)
    macros = [f"{name}={value}" for name, value in board.macros.items()]
    built = native.build(f"ticks_{clock_hz}_{shift}", [program], includes=["firmware/boards"], defines=macros)
    said = subprocess.run([built], capture_output=True, text=True, check=True).stdout
    wanted = Fraction(clock_hz * 2**shift, 10**9)
    assert said == f"{wanted.numerator} {wanted.denominator}"


# What PlatformIO's own Python runs


@pytest.mark.parametrize("module", ["boards", "sources", "build.project", "build.tflm_tree", "build.toolchain"])
def test_build_module_needs_the_standard_library_and_scons_alone(module):
    """PlatformIO may run under a Python of its own, where nothing of ours is installed."""
    seen, queue = set(), [f"kws_firmware.{module}"]
    while queue:
        name = queue.pop()
        path = FIRMWARE / (name.replace(".", "/") + ".py")
        path = path if path.is_file() else FIRMWARE / name.replace(".", "/") / "__init__.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                modules = [each for each in inner if (FIRMWARE / (each.replace(".", "/") + ".py")).is_file()]
                found = modules or [node.module]
            for each in found:
                if each.startswith("kws_firmware") and each not in seen:
                    queue.append(each)
                seen.add(each)
    foreign = {each.split(".")[0] for each in seen} - set(sys.stdlib_module_names) - {"kws_firmware", "SCons"}
    assert foreign == set()


# Tables


def test_measured_table_has_a_row_for_each_emulated_board():
    rows = [line for line in tables.measured().splitlines() if line.startswith("| `")]
    assert [re.match(r"\| `(\w+)`", row)[1] for row in rows] == list(emulated_boards())


def test_measured_figures_of_other_boards_are_refused(tmp_path):
    path = tmp_path / "measured.json"
    path.write_text('{"tools": {}, "boards": {"mps2_an386": {}}}')
    with pytest.raises(KwsError, match="is not of the boards .*netduinoplus2. Run make measure."):
        tables.load_measured(path)


def test_environment_without_a_state_is_refused(tmp_path):
    pytest.importorskip("platformio", reason="PlatformIO is missing (pip install .[host])")
    path = tmp_path / "platformio.ini"
    path.write_text("[env:mps2_an386]\nboard = mps2_an386\ncustom_kws_engine = aot\n")
    with pytest.raises(KwsError, match=r"\[env:mps2_an386\] must say custom_kws_state"):
        environments(path)
