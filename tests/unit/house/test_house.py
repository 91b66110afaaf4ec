"""The rules of the house that a reader cannot see at once: who includes whom, and what may be committed."""

import argparse
import ast
import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# Python: which packages may import which. Everything goes through kws_reference and the model bundle.
PACKAGES = {
    "training/kws_reference": {"kws_reference"},
    "training/kws_training": {"kws_training", "kws_reference"},
    "codegen/kws_codegen": {"kws_codegen", "kws_reference"},
    "host/kws_host": {"kws_host", "kws_reference"},
    "firmware/kws_firmware": {"kws_firmware", "kws_host", "kws_reference"},
}
KEEPS_TENSORFLOW_OUT = (
    "training/kws_reference",
    "codegen/kws_codegen",
    "host/kws_host",
    "firmware/kws_firmware",
    "training/kws_training/data",
)

# Firmware: which stage a public or generated header belongs to; "base" is everybody's.
HEADER_STAGE = {
    "kws/audio_source.h": "base",
    "kws/board.h": "board",
    "kws/cobs.h": "link",
    "kws/command_words.h": "base",
    "kws/crc32.h": "base",
    "kws/detector.h": "detector",
    "kws/engine.h": "engine",
    "kws/fault.h": "base",
    "kws/frame.h": "link",
    "kws/frontend.h": "frontend",
    "kws/link.h": "link",
    "kws/messages.h": "link",
    "kws/microphone.h": "board",
    "kws/payload_reader.h": "link",
    "kws/posteriors.h": "detector",
    "kws/protocol.h": "link",
    "kws/sample_ring.h": "base",
    "kws/semihosting.h": "board",
    "kws/settings.h": "board",
    "kws/status.h": "base",
    "kws/step_clock.h": "base",
    "kws/version.h": "base",
    "detector_config.h": "detector",
    "frontend_tables.h": "frontend",
    "model_info.h": "base",
    "tflm_model.h": "engine",
}
STAGES = ("base", "frontend", "engine", "detector", "link")  # and "app", which wires them
# Plain records of the board (clock, fault) travel in the link's messages; TFLite Micro's log goes to the serial port.
ALSO_ALLOWED = {"link": {"board"}, "engine/tflm/tflm_log.cc": {"board"}}


def committed_files() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("git, or the repository's .git folder, is missing: cannot tell which files are committed")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


# Python


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module)
    return {name.split(".")[0] for name in found}


@pytest.mark.parametrize("folder", PACKAGES)
def test_package_imports_only_itself_and_the_reference(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        ours = {name for name in imports(path) if name.startswith("kws_")}
        assert ours <= PACKAGES[folder], f"{path.relative_to(ROOT)} imports {sorted(ours - PACKAGES[folder])}"


@pytest.mark.parametrize("folder", KEEPS_TENSORFLOW_OUT)
def test_package_that_promises_it_does_not_import_tensorflow(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        assert not imports(path) & {"tensorflow", "keras"}, path.relative_to(ROOT)


# PlatformIO runs these under a Python of its own: they name the folder of the package that does the work.
_RUN_BY_PLATFORMIO = {
    "firmware/platform/builder/main.py",
    "firmware/platform/scripts/pre.py",
    "firmware/test/test_custom_runner.py",
}


def test_modules_are_imported_by_name_and_find_each_other_without_changing_the_path():
    changes = re.compile(r"sys\.path(\.(insert|append|extend)|\[.*\]\s*=|\s*\+?=)|spec_from_file" + "_location")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in committed_files()
        if path.suffix == ".py" and changes.search(path.read_text(encoding="utf-8"))
    }
    assert found == _RUN_BY_PLATFORMIO
    for name in found:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) < 100, f"{name} does its work itself"


# Firmware


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)


def stage_of(header: str, included_by: Path) -> str:
    """The stage that owns a header as it stands in an #include line."""
    if header in HEADER_STAGE:
        return HEADER_STAGE[header]
    for candidate in (included_by.parent / header, ROOT / "firmware/src" / header):
        if candidate.is_file() and candidate.is_relative_to(ROOT / "firmware/src"):
            return candidate.relative_to(ROOT / "firmware/src").parts[0]
    return "third party"


def test_every_public_header_has_a_stage():
    headers = {f"kws/{path.name}" for path in (ROOT / "firmware/include/kws").glob("*.h")}
    assert headers == {name for name in HEADER_STAGE if name.startswith("kws/")}


@pytest.mark.parametrize("stage", STAGES)
def test_firmware_stage_includes_no_other_stage(stage):
    for path in sorted((ROOT / "firmware/src" / stage).rglob("*.[ch]*")):
        for header in includes(path):
            owner = stage_of(header, path)
            allowed = {stage, "base", "third party"} | ALSO_ALLOWED.get(stage, set())
            allowed |= ALSO_ALLOWED.get(path.relative_to(ROOT / "firmware/src").as_posix(), set())
            assert owner in allowed, f"{path.relative_to(ROOT)}: {header} belongs to {owner}"


def test_public_header_includes_only_its_own_stage_and_base():
    for path in sorted((ROOT / "firmware/include/kws").glob("*.h")):
        for header in includes(path):
            stage = HEADER_STAGE[f"kws/{path.name}"]
            assert HEADER_STAGE[header] in {stage, "base"} | ALSO_ALLOWED.get(stage, set()), f"{path.name}: {header}"


def test_board_includes_no_stage_and_nothing_of_the_app():
    for path in sorted((ROOT / "firmware/boards").rglob("*.[ch]*")):
        for header in includes(path):
            owner = stage_of(header, path)
            assert owner in {"board", "base", "third party"}, f"{path.relative_to(ROOT)}: {header} belongs to {owner}"


def test_firmware_uses_pragma_once_and_no_iostream():
    sources = [
        path for path in committed_files() if path.is_relative_to(ROOT / "firmware") and path.suffix in (".h", ".cc")
    ]
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert path.suffix != ".h" or "#pragma once" in text, path.relative_to(ROOT)
        if "native" not in path.parts:  # the host's stand-in for a board
            assert not re.search(r"#\s*include\s*<(iostream|string|vector|map|memory|functional)>", text), path


# What may be committed

_MACHINE = ["/" + "work/", "/" + "root/", "/" + "home/", "/" + "opt/", "/" + "Users/"]
_HOSTS = ["py" + "pi.org", "python" + "hosted", "npm" + "js.org", "deb." + "debian.org", "registry.platform" + "io"]


def test_no_committed_file_names_a_machine_folder_or_a_registry_host():
    pattern = re.compile("|".join([rf"{folder}[\w.]" for folder in _MACHINE] + [re.escape(host) for host in _HOSTS]))
    for path in committed_files():
        if path.name == "LICENSE":
            continue
        text = text_of(path)
        found = pattern.search(text) if text is not None else None
        assert found is None, (
            f"{path.relative_to(ROOT)} line {text[: found.start()].count(chr(10)) + 1}: {found.group()}"
        )


def test_no_audio_and_no_archive_is_committed_outside_of_the_demo():
    kinds = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".raw", ".pcm", ".tar", ".gz", ".zip", ".whl", ".npy"}
    demo = ROOT / "host/demo/words"
    for path in committed_files():
        assert path.suffix.lower() not in kinds or path.is_relative_to(demo), path.relative_to(ROOT)


def test_no_committed_file_is_larger_than_2_megabytes():
    for path in committed_files():
        assert path.stat().st_size < 2_000_000, path.relative_to(ROOT)


# The documentation's commands

_TOOLS = {"kws-train": "kws_training", "kws-codegen": "kws_codegen", "kws-host": "kws_host"}


def documented_commands() -> list[tuple[str, list[str]]]:
    """Command lines in code of the committed Markdown pages: where, and the words."""
    found = []
    for path in committed_files():
        if path.suffix != ".md":
            continue
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^(?: {4}|\$ )(\S.*)$", text, re.MULTILINE)
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            blocks += block.splitlines()
        blocks += re.findall(r"`([^`\n]+)`", text)
        for line in blocks:
            words = line.split("#")[0].strip().removeprefix("$ ").split()
            if words:
                found.append((path.relative_to(ROOT).as_posix(), words))
    return found


def test_documented_make_targets_exist():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = [(page, word) for page, words in documented_commands() if words[0] == "make" for word in words[1:]]
    assert {"demo", "test"} <= {word for _, word in used}
    for page, word in used:
        assert "=" in word or word in targets, f"{page}: make {word}"


def test_documented_environments_exist():
    declared = re.compile(r"^\[env:(\w+)\]", re.MULTILINE)
    for page, words in documented_commands():
        added = set(re.findall(r"^\[env:(\w+)\]", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        if words[0] == "pio":
            # those of the project, and those that the page itself adds
            known = {name for path in ("platformio.ini", page) for name in declared.findall((ROOT / path).read_text())}
            for flag, name in zip(words, words[1:], strict=False):
                assert flag != "-e" or name in known | added or name.isupper(), f"{page}: {' '.join(words)}"


def options_of(package: str, command: str) -> set[str]:
    module = importlib.import_module(f"{package}.commands.{command.replace('-', '_')}")
    parser = module.add_parser(argparse.ArgumentParser().add_subparsers())
    return {option for action in parser._actions for option in action.option_strings}


def test_documented_subcommands_and_their_options_exist():
    for page, words in documented_commands():
        if words[0] not in _TOOLS or len(words) == 1 or not re.fullmatch(r"[a-z-]+", words[1]):
            continue
        where = f"{page}: {' '.join(words)}"
        package = _TOOLS[words[0]]
        folder = ROOT / next(key for key in PACKAGES if key.endswith(package)) / "commands"
        if not folder.is_dir():  # a tool small enough to have no folder of subcommands
            text = (folder.parent / "cli.py").read_text()
            assert all(f'"{word}"' in text for word in words[1:] if re.fullmatch(r"-*[a-z-]+", word)), where
            continue
        assert (folder / f"{words[1].replace('-', '_')}.py").is_file(), where
        known = options_of(package, words[1])
        for word in words[2:]:
            if word.startswith("--"):
                assert word.split("=")[0] in known, where


# Options of other programs that our sources and pages name.
_FOREIGN_OPTIONS = {
    *("--ipa", "--sep", "--stdin", "--setf"),  # espeak-ng, flite
    *("--dest", "--hash", "--makefile", "--no-deps", "--no-input", "--only-binary", "--quiet", "--require-hashes"),
    *("--requirement", "--port", "--help"),
    "--reset",  # st-flash
    *("--style", "--assume-filename"),  # clang-format
    *("--target", "--strip-all", "--directory"),  # clang, its linker, http.server
    *("--gc-sections", "--no-warn-rwx-segments", "--specs", "--version", "--no-show-raw-insn"),  # binutils, GCC, QEMU
}


def known_options() -> set[str]:
    """Every option that some parser of the repository declares."""
    known = set(_FOREIGN_OPTIONS)
    for package in set(_TOOLS.values()):
        commands = importlib.import_module(f"{package}.cli").__dict__.values()
        for module in [value for value in commands if hasattr(value, "add_parser")]:
            parser = module.add_parser(argparse.ArgumentParser().add_subparsers())
            known |= {option for action in parser._actions for option in action.option_strings}
    for path in [path for path in committed_files() if path.suffix == ".py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("add_argument", "addoption"):
                known |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return known


def test_options_that_messages_and_pages_name_exist():
    known, option = known_options(), re.compile(r"(?<![\w`-])--[a-z][a-z0-9-]*(?![\w-]*[{*])")
    folders = (*PACKAGES, "tests/tools")
    sources = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(sources) > 100
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                unknown = set(option.findall(node.value)) - known
                assert not unknown, f"{path.relative_to(ROOT)}:{node.lineno} names {sorted(unknown)}"
    for path in [path for path in committed_files() if path.suffix == ".md"]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            ours = (
                set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", line)) if re.search(r"kws-|make |pio |`--", line) else ()
            )
            assert set(ours) <= known, f"{path.relative_to(ROOT)}:{number} names {sorted(set(ours) - known)}"


# Tests


def test_no_test_asserts_how_long_something_took():
    """A busy machine is no fault. Deadlines in loops, which end what would hang, are not assertions."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            asserted = ast.unparse(node.test) if isinstance(node, ast.Assert) else ""
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            assert not re.search(r"\b(monotonic|perf_counter|process_time)\(", asserted), where
