"""Runs pytest with the kit's plugin in a process and a folder of its own, as a firmware team would."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

NO_TENSORFLOW = """
import sys

sys.modules["tensorflow"] = sys.modules["keras"] = None  # importing them fails, as where they are not installed
"""


@dataclasses.dataclass(frozen=True)
class Result:
    """How it ended.

    Attributes:
      status: pytest's: 0 all passed, 1 some failed, 4 wrong usage.
      out: the report.
      err: stderr.
    """

    status: int
    out: str
    err: str

    def counts(self) -> dict[str, int]:
        """Of the last line: ``{"passed": 2, "failed": 1}``."""
        return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", self.out.splitlines()[-1])}


def run(folder: Path, test: str | Path, *options: object) -> Result:
    """Runs tests.

    Args:
      folder: of the run, empty but for what tests read.
      test: source of a test file, or a path of tests.
      options: of pytest.
    """
    if isinstance(test, str):
        (folder / "test_words.py").write_text(test)
        test = folder
    (folder / "conftest.py").write_text(NO_TENSORFLOW)
    paths = [ROOT / name for name in ("host", "training")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KWS_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "kws_host.pytest_plugin", "-p", "no:cacheprovider", "-q", test]
    command += ["-p", "xdist.plugin"] if "-n" in options else []
    done = subprocess.run(
        [*map(str, command), *map(str, options)],
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)
