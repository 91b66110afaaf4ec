"""The page of MLPerf Tiny's runner: its file that shows the runner a port does so."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "host" / "MLPERF.md").read_text(encoding="utf-8")
# What the runner does with serial ports and USB devices, in a few lines.
MAIN = """
import sys
import usb.core
from serial.tools import list_ports
import beside_main
(port,) = [port for port in list_ports.comports(True) if port.vid]
assert "zZzZ" not in port.description and list(usb.core.find(find_all=True)) == []
print(__name__, port.device, hex(port.vid), hex(port.pid), *sys.argv)
"""


def block(first: str) -> str:
    """The indented block of the page that starts so."""
    (found,) = re.findall(rf"(?:^|\n\n)( {{4}}{re.escape(first)}.*?)\n\n(?! {{4}})", PAGE, re.DOTALL)
    return textwrap.dedent(found) + "\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "port.py").write_text(block("# port.py"))
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "beside_main.py").touch()
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "__init__.py").touch()
    (tmp_path / "usb" / "core.py").write_text("def find(**_): raise RuntimeError('no backend')\n")
    return tmp_path


def test_port_of_the_page_is_what_the_runner_finds(folder):
    command = [sys.executable, "port.py", "/dev/pts/9", "main.py", "--mode", "a"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["__main__", "/dev/pts/9", "0xf055", "0x1", "main.py", "--mode", "a"]


def test_devices_of_the_page_are_those_of_its_port():
    devices, port = block("- name: kws-kit"), block("# port.py")
    (vid, pid) = re.search(r"^ +(0x\w+): (0x\w+)$", devices, re.MULTILINE).groups()
    assert f"port.vid, port.pid, port.description = {vid}, {pid}," in port
