"""Every environment builds; its image boots, fits its budget and holds nothing that allocates."""

import re
import shutil

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from kws_firmware import budgets, size_report, sizes
from kws_host.device import Device
from kws_host.emulator import Emulator, EmulatorConfig
from kws_host.link import Link

from tests.support import boards

FORBIDDEN = re.compile(
    r"_*(malloc|calloc|realloc|free|sbrk|brk)(_r)?"  # the C heap
    r"|_Zn[wa][jm].*"  # operator new
    r"|_*v?(f|s|sn|d)?i?printf(_r)?|_*puts(_r)?|_*fflush(_r)?"  # stdio, which allocates its buffers
    r"|__cxa_(throw|allocate_exception|begin_catch|guard_acquire).*|__gxx_personality.*|_Unwind_Raise.*"  # exceptions
    r"|_ZT[IS].*"  # run-time type information
)
DELETE = re.compile(r"_Zd[la]P.*")  # operator delete: only the tflm engine may name it, as a function that does nothing


def symbols(elf) -> set[str]:
    """Names of all symbols of an image."""
    with elf.open("rb") as handle:
        tables = [s for s in ELFFile(handle).iter_sections() if isinstance(s, SymbolTableSection)]
        return {symbol.name for table in tables for symbol in table.iter_symbols()}


def board_of(env: str) -> str:
    """The board of an environment."""
    return env.removesuffix("_tflm")


@pytest.mark.qemu
@pytest.mark.parametrize("env", [*boards.COMPILED, "mps2_an386_tflm", "mps2_an386_mlperf"])
def test_image_symbol_table_holds_no_heap_and_no_exceptions(env):
    names = symbols(boards.build(env))
    assert "Reset_Handler" in names  # the table was not stripped
    assert sorted(name for name in names if FORBIDDEN.fullmatch(name)) == []
    if not env.endswith("_tflm"):
        assert sorted(name for name in names if DELETE.fullmatch(name)) == []


@pytest.mark.qemu
def test_image_of_engine_tflm_holds_no_registration_but_those_for_int8():
    """The general registrations would bring the kernels of all other types along (36 KB of flash)."""
    names = symbols(boards.build("mps2_an386_tflm"))
    registered = {name for name in names if re.fullmatch(r"_ZN6tflite(5micro)?\d+Register_.*", name)}
    for kind in ("ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        assert not [name for name in registered if name.endswith(f"Register_{kind}Ev")], registered
    # inlined ones have no symbol; those in kernels of their own have
    assert any(name.endswith("Register_CONV_2D_INT8Ev") for name in registered), registered


def test_forbidden_pattern_names_of_heap_functions_match():
    for name in (
        "malloc",
        "_malloc_r",
        "free",
        "_free_r",
        "_sbrk",
        "_sbrk_r",
        "_Znwj",
        "_Znaj",
        "__cxa_throw",
        "snprintf",
    ):
        assert FORBIDDEN.fullmatch(name), name
    for name in ("_ZN3kws6engine4InitEv", "memcpy", "strtok_r", "__aeabi_uldivmod"):
        assert not FORBIDDEN.fullmatch(name), name


@pytest.mark.qemu
@pytest.mark.parametrize("env", [*boards.EMULATED, "mps2_an386_tflm"])
def test_image_boots_and_answers_info(env):
    with Emulator(EmulatorConfig(board_of(env), boards.build(env), port=0)) as emulator, Link(emulator.url) as link:
        info = Device(link).info
        assert info.board == board_of(env)
        assert info.engine == ("tflm" if env.endswith("_tflm") else "aot")


@pytest.mark.qemu
@pytest.mark.parametrize("env", boards.COMPILED)
def test_image_flash_ram_and_stack_within_budget(env):
    _, lines = size_report.report(
        env, boards.build(env), budgets.load_budgets()[env], with_stack=env in boards.EMULATED
    )
    assert not lines, "\n".join(lines)


def copy_of_the_kit(project):
    """What a build needs, in another folder."""
    for name in ("firmware", "host"):
        ignore = shutil.ignore_patterns("__pycache__", "third_party")
        shutil.copytree(boards.ROOT / name, project / name, ignore=ignore)
    (project / "firmware" / "third_party").symlink_to(boards.ROOT / "firmware" / "third_party")
    shutil.copy(boards.ROOT / "platformio.ini", project)


@pytest.mark.qemu
def test_build_in_another_folder_elf_is_identical(tmp_path):
    """Debugging information and symbols, too; with a model from elsewhere (below) they name the model's folder."""
    first, project = boards.build("mps2_an386"), tmp_path / "a much longer name than the first one has" / "kit"
    copy_of_the_kit(project)
    environment = {"PLATFORMIO_CORE_DIR": str(project / ".pio-core")}
    result = boards.pio("run", "-e", "mps2_an386", project=project, build_dir=project / "b", environment=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert first.read_bytes() == (project / "b" / "mps2_an386" / "firmware.elf").read_bytes()


@pytest.mark.qemu
def test_build_in_another_folder_image_is_identical(tmp_path):
    first = boards.build("mps2_an386")
    # Signs that mean something to a shell, to make, to the compiler's -Wl, to the linker's -Map, to QEMU or to URLs.
    odd = tmp_path / "a b,c=d (é)'x%41#@&;*"
    project = odd / "kit"
    copy_of_the_kit(project)
    shutil.move(project / "firmware" / "generated", odd / "model")
    environment = {"KWS_GENERATED": str(odd / "model"), "PLATFORMIO_CORE_DIR": str(project / ".pio-core")}
    build = odd / "build"
    result = boards.pio("run", "-e", "mps2_an386", project=project, build_dir=build, environment=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    again = build / "mps2_an386" / "firmware.bin"
    assert first.with_name("firmware.bin").read_bytes() == again.read_bytes()
    contents = again.read_bytes() + (again.with_name("firmware.elf")).read_bytes()
    for trace in (str(boards.ROOT), str(tmp_path)):
        assert trace.encode() not in contents, f"the image names a folder of the build machine: {trace}"


@pytest.mark.qemu
def test_size_report_image_over_budget_exit_1_and_symbols(capsys, monkeypatch):
    elf = boards.build("mps2_an386")
    limits = {"mps2_an386": {"flash": 1000, "ram": 9999999, "stack": 9999, "instructions": 1}}
    monkeypatch.setattr(budgets, "load_budgets", lambda: limits)
    monkeypatch.setattr(sizes, "BASELINES", boards.ROOT / "firmware" / "none")
    assert size_report.main(["--env", "mps2_an386", "--build-dir", str(elf.parents[1])]) == 1
    error = capsys.readouterr().err
    assert "mps2_an386: over budget, flash" in error and "Weights" in error
