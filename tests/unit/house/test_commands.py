"""Subcommands stand alone: they share options and libraries, never each other; only the program knows them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TOOLS = {
    "kws_training": ROOT / "training/kws_training",
    "kws_codegen": ROOT / "codegen/kws_codegen",
    "kws_host": ROOT / "host/kws_host",
}


def modules_that(path: Path) -> set[str]:
    """Full names of what a file imports, ``from a import b`` as ``a.b``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", TOOLS)
def test_command_imports_no_sibling_but_shared_options(package):
    commands = f"{package}.commands."
    files = sorted((TOOLS[package] / "commands").rglob("*.py"))
    assert len(files) > 2
    for path in files:
        siblings = {name for name in modules_that(path) if name.startswith(commands)}
        options = {name for name in siblings if name.removeprefix(commands).startswith("options.")}
        assert siblings == options, f"{path.relative_to(ROOT)} imports {sorted(siblings - options)}"


@pytest.mark.parametrize("package", TOOLS)
def test_library_module_imports_no_command(package):
    folder = TOOLS[package]
    for path in sorted(folder.rglob("*.py")):
        if path == folder / "cli.py" or path.is_relative_to(folder / "commands"):
            continue
        known = {name for name in modules_that(path) if name.startswith(f"{package}.commands")}
        assert not known, f"{path.relative_to(ROOT)} imports {sorted(known)}"


def test_help_of_every_training_command_brings_no_tensorflow():
    script = """
import sys
from kws_training import cli
for command in ("fetch", "fit", "export", "evaluate", "describe", "benchmark", "attention", "conformer", "voices"):
    try:
        cli.main([command, "--help"])
    except SystemExit as ended:
        assert ended.code == 0
    heavy = {"tensorflow", "keras", "ai_edge_litert", "matplotlib"} & set(sys.modules)
    assert not heavy, (command, heavy)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
