"""Latency and memory of one streaming ``.tflite``, in a process that does nothing else.

`measure` starts ``python -m kws_training.measure.step_cost``; that process imports NumPy and LiteRT and no
TensorFlow, so that its memory is the model's.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.errors import KwsError

WARM_UP_STEPS = 10
FEATURE_STEPS = 32  # int8 steps of one standard deviation of the features


def measure(
    model: Path, states: Iterable[str], features: np.ndarray, outputs: Path | None = None, threads: int = 1
) -> dict[str, Any]:
    """Streams features through a model in a fresh process.

    Args:
      model: a ``.tflite`` of `kws_training.convert`, float32 or int8.
      states: their names, in the order of `StreamingModel.state_specs`.
      features: float32 ``[steps, ...]``, one row for each step, in standard deviations.
      outputs: ``.npy`` to write: the first output of each step as float32, ``[steps, ...]``.
      threads: of the interpreter.

    Returns:
      ``step_ms`` (median: features and states in, the model, states out), ``invoke_ms`` (median: the model alone),
      ``cpu_ms`` (median of the processor time of a step: without the waiting for other programs), ``fastest_ms`` (the
      least of the steps: other work disturbed it least), and in units of 10^6 bytes ``peak_mb``
      (growth of the largest resident memory since before loading), ``anonymous_mb`` and ``mapped_mb`` (what is resident
      in the end: allocated, and pages of the file).

    Raises:
      KwsError: the process failed.
    """
    given = Path(model).with_suffix(".features.npy")
    np.save(given, np.asarray(features, np.float32))
    command = [sys.executable, "-m", __name__, str(model), str(given), "--threads", str(threads)]
    command += ["--states", *states]
    if outputs:
        command += ["--outputs", str(outputs)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    finally:
        given.unlink()
    if result.returncode:
        last = (result.stderr.strip().splitlines() or [f"status {result.returncode}"])[-1]
        raise KwsError(f"measuring {model} failed: {last}. Is ai-edge-litert installed (the training extra)?")
    return json.loads(result.stdout)


def _resident() -> dict[str, float]:
    """Lines of the kernel's account of this process, in 10^6 bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    named = (line.split(":") for line in lines if line.startswith(("VmHWM", "VmRSS", "RssAnon", "RssFile")))
    return {name: int(value.split()[0]) * 1024 / 1e6 for name, value in named}


def _run(model: str, names: list[str], features: np.ndarray, outputs: str | None, threads: int) -> dict[str, float]:
    from ai_edge_litert.interpreter import Interpreter

    before = _resident()
    interpreter = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    sources, results = runner.get_input_details(), runner.get_output_details()
    del runner  # the interpreter does not run while another object holds it
    found = [results[f"output_{number}"] for number in range(len(results))]
    states = [
        (sources[f"{name}_in"], target) for name, target in zip(names, found[len(found) - len(names) :], strict=True)
    ]
    entry = sources["features"]
    values = features.reshape(-1, *entry["shape"])
    if entry["dtype"] == np.int8:
        values = np.clip(np.rint(values * FEATURE_STEPS), -128, 127).astype(np.int8)
    for source, _ in states:
        zero_point = source["quantization"][1]
        interpreter.set_tensor(source["index"], np.full(source["shape"], zero_point, source["dtype"]))
    step_ms, invoke_ms, cpu_ms, collected = [], [], [], []
    for row in values:
        began, began_cpu = time.perf_counter(), time.process_time()
        interpreter.set_tensor(entry["index"], row)
        ready = time.perf_counter()
        interpreter.invoke()
        done = time.perf_counter()
        for source, target in states:
            interpreter.set_tensor(source["index"], interpreter.get_tensor(target["index"]))
        step_ms.append(1e3 * (time.perf_counter() - began))
        cpu_ms.append(1e3 * (time.process_time() - began_cpu))
        invoke_ms.append(1e3 * (done - ready))
        if outputs:
            collected.append(interpreter.get_tensor(found[0]["index"])[0])
    after = _resident()
    if outputs:
        rows = np.array(collected)
        if rows.dtype == np.int8:
            scale, zero_point = found[0]["quantization"]
            rows = (rows.astype(np.float32) - zero_point) * np.float32(scale)
        np.save(outputs, rows)
    warm = slice(min(WARM_UP_STEPS, len(values) // 2), None)
    return {
        "step_ms": float(np.median(step_ms[warm])),
        "invoke_ms": float(np.median(invoke_ms[warm])),
        "cpu_ms": float(np.median(cpu_ms[warm])),
        "fastest_ms": float(np.min(step_ms[warm])),
        "peak_mb": after["VmHWM"] - before["VmRSS"],
        "anonymous_mb": after["RssAnon"] - before["RssAnon"],
        "mapped_mb": after["RssFile"] - before["RssFile"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("features")
    parser.add_argument("--states", nargs="*", default=[])
    parser.add_argument("--outputs")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(_run(args.model, args.states, np.load(args.features), args.outputs, args.threads)))
