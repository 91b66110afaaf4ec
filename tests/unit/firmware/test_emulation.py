"""How PlatformIO's targets find the kit's launcher."""

import importlib.util
import subprocess
import sys

import pytest
from kws_firmware.build import emulation


def test_emulate_command_is_the_kits_own_program():
    command = emulation.emulate_command("--stop", "--if-running", "--tcp-port", 1)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "no emulator was running there\n", "")


def test_emulate_command_under_a_python_without_the_kit_says_which_to_use(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(emulation.NotInstalled) as caught:
        emulation.emulate_command("--stop")
    text = str(caught.value)
    assert text.startswith(f"{sys.executable}, which runs PlatformIO, has no kws_host") and "\n" not in text
    assert ".venv/bin/pio" in text and "pip install" in text
