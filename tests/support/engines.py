"""Generated engines on the host: built with sanitizers, run on features, compared with the reference interpreter."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_codegen.options import Options
from kws_firmware import sources as firmware_sources
from kws_reference.bundle import Bundle
from kws_reference.network.oracle import Network

from tests.support import native


def cmsis_nn() -> tuple[list[Path], list[Path], list[str]]:
    """Sources, include folders and macros of CMSIS-NN's plain C on the host; skips when it was not fetched."""
    sources = sorted(firmware_sources.cmsis_nn_folder().rglob("*.c"))
    if not sources:
        pytest.skip("CMSIS-NN is not in firmware/third_party: run `make sources`")
    macros = [f"{name}={value}" for name, value in firmware_sources.HOST_CMSIS_NN_MACROS.items()]
    return sources, firmware_sources.cmsis_nn_includes(), macros


def build(bundle: Bundle, folder: Path, **options: Any) -> Path:
    """Generates `bundle` into `folder` (fields of `kws_codegen.options.Options`) and builds engine_main on it."""
    write_files(folder, generate(bundle, Options(**options)))
    return compile_generated(folder, f"engine_{bundle.name}")


def compile_generated(folder: Path, name: str) -> Path:
    """Builds engine_main on the generated files in `folder`."""
    sources: list[str | Path] = [
        "tests/integration/native/engine_main.cc",
        folder / "aot_model.cc",
        folder / "model_info.cc",
    ]
    includes: list[str | Path] = ["firmware/src", folder]
    defines: list[str] = []
    if firmware_sources.uses_cmsis_nn(folder):
        more, folders, defines = cmsis_nn()
        sources += [native.ROOT / "firmware" / firmware_sources.CMSIS_NN_WRAPPER, *more]
        includes += folders
    return native.build(name, sources, includes=includes, defines=defines)


def run(program: Path, bundle: Bundle, features: np.ndarray, reset_every: int = 0) -> tuple[np.ndarray, dict[str, Any]]:
    """Runs an engine.

    Args:
      features: int8 ``[steps, frames_per_step, coefficients]``.

    Returns:
      int8 ``[steps, labels + bytes of all states]``, and the engine's own report.
    """
    result = subprocess.run([program, str(reset_every)], input=features.tobytes(), capture_output=True, timeout=120)
    assert result.returncode == 0, result.stderr.decode()
    return np.frombuffer(result.stdout, np.int8).reshape(len(features), -1), json.loads(result.stderr)


def reference(bundle: Bundle, features: np.ndarray, reset_every: int = 0) -> np.ndarray:
    """What `run` must return, by TFLite Micro's interpreter."""
    network, rows = Network(bundle), []
    for step, values in enumerate(features):
        if reset_every and step % reset_every == 0:
            network.reset()
        scores = network.step(values)
        rows.append(np.concatenate([scores, *(state.reshape(-1).view(np.int8) for state in network.states)]))
    return np.array(rows)


def random_features(bundle: Bundle, steps: int, seed: int = 0) -> np.ndarray:
    """Noise over all of int8, then stretches of constant extremes, then quiet noise."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (steps, bundle.frames_per_step, bundle.frontend.coefficients))
    x[steps // 2 : steps * 5 // 8] = -128
    x[steps * 5 // 8 : steps * 3 // 4] = 127
    x[steps * 3 // 4 :] //= 8
    return x.astype(np.int8)


def assert_bit_exact(bundle: Bundle, program: Path, features: np.ndarray, reset_every: int = 0) -> dict[str, Any]:
    """Every score and every byte of every state after every step; returns the engine's report."""
    got, facts = run(program, bundle, features, reset_every)
    wanted = reference(bundle, features, reset_every)
    assert got.shape == wanted.shape
    for step in np.flatnonzero((got != wanted).any(axis=1)):
        offset = int(np.flatnonzero(got[step] != wanted[step])[0])
        ends = np.cumsum([len(bundle.labels), *(state.size_bytes for state in bundle.states)])
        part = ["scores", *(f"state {state.name}" for state in bundle.states)][
            int(np.searchsorted(ends, offset, "right"))
        ]
        raise AssertionError(f"step {step}, {part}: {got[step, offset]} instead of {wanted[step, offset]}")
    # Scores that never move would prove nothing.
    assert len(np.unique(wanted[:, : len(bundle.labels)])) > 8
    return facts
