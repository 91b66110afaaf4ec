"""The gates: CI runs what everybody runs, and every version is typed once or agrees with where it is typed."""

import json
import re
import tomllib

from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TARGET = re.compile(r"^([a-z-]+):(?!=)(.*)$", re.MULTILINE)


def makefile_targets() -> dict[str, str]:
    """Targets with their prerequisites."""
    return dict(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def pins(requirements: list[str]) -> dict[str, str]:
    """Versions of the requirements that have one, by normalised name."""
    found = (re.fullmatch(r"([\w.-]+)==(\S+)", line) for line in requirements)
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in found if match}


def test_ci_runs_the_gates_before_the_tests():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^(?:exec )?make (\S+)$", script, re.MULTILINE) == ["lint", "test"]


def test_lint_runs_every_gate():
    targets = makefile_targets()
    gates = {name for name in targets if name.startswith("lint-")}
    run = set(targets["lint"].split("##")[0].split())
    reached = run | {word for name in run for word in targets[name].split() if word in gates}
    assert gates and reached == gates


def test_hooks_call_the_gates():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    called = re.findall(r"entry: make -s (\S+)$", hooks, re.MULTILINE)
    assert len(called) == hooks.count("- id:") > 4 and set(called) <= set(makefile_targets())
    assert "repo: local" in hooks and hooks.count("repo:") == 1  # nothing is fetched


def test_versions_of_the_project_agree():
    platform = json.loads((ROOT / "firmware" / "platform" / "platform.json").read_text(encoding="utf-8"))
    assert platform["version"] == PROJECT["project"]["version"]
    assert f"version {PROJECT['project']['version']}," in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_pinned_tools_are_the_tested_ones():
    tested = pins((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        for name, version in pins(requirements).items():
            assert tested[name] == version, f"{extra}: {name}"


def test_every_checker_is_pinned():
    dev = pins(PROJECT["project"]["optional-dependencies"]["dev"])
    assert {"ruff", "mypy", "clang-format", "clang-tidy", "codespell"} <= set(dev)
