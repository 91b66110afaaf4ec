"""microWakeWord's models as the package pymicro-wakeword brings them, adopted, and voices that say their words."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from kws_codegen.cli import main
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle

MODELS = {"alexa": "alexa", "hey_jarvis": "hey jarvis", "hey_mycroft": "hey mycroft", "okay_nabu": "okay nabu"}
"""Model -> what it listens to."""
VOICE = "rms"  # of flite: all four models hear it


def folder() -> Path:
    """The package's models; its code, which would load a library of its own, is not run."""
    found = importlib.util.find_spec("pymicro_wakeword")
    if found is None or found.origin is None:
        pytest.skip("pymicro-wakeword is not installed (pip install .[dev])")
    return Path(found.origin).parent / "models"


def adopt(name: str, out: Path) -> Bundle:
    """The bundle that ``kws-codegen adopt`` makes of a model."""
    model = folder() / f"{name}.tflite"
    wish = ["--microwakeword", str(model.with_suffix(".json")), "--frontend", "micro", "--out", str(out)]
    assert main(["adopt", str(model), *wish]) == 0
    return Bundle.load(out)


def say(text: str, path: Path) -> np.ndarray:
    """Lets a synthesiser say something between half a second and a second of silence.

    Args:
      path: of the WAV file that is made.

    Returns:
      int16 PCM at 16 kHz.
    """
    if shutil.which("flite") is None:
        pytest.skip("missing: flite (make demo-words installs it)")
    subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(path)], check=True, capture_output=True)
    return np.concatenate([np.zeros(8000, np.int16), read_wav(path), np.zeros(16000, np.int16)])
