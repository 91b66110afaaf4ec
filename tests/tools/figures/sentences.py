"""Figures that stand in sentences, most of them on the front page."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from kws_firmware.tables import load_measured
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline

from tests.support.paths import ROOT
from tests.tools.figures import bad_wires, damaged_models, long_run
from tests.tools.figures.engines import PROMISED_BOARD, QUOTED_ENGINES, TFLM, measured
from tests.tools.figures.recordings import rate_text
from tests.tools.figures.records import EXPERIMENTS, INT4, RELEASED, accuracy, percent, record


@functools.cache
def demo_words() -> tuple[int, int]:
    """Of the demo's synthesised keywords: how many the released detector raises, and how many there are."""
    pipeline = Pipeline(Bundle.load(RELEASED))
    keywords = pipeline.bundle.labels.keywords
    raised = spoken = 0
    for path in sorted((ROOT / "host/demo/words").rglob("*.wav")):
        heard = {
            pipeline.bundle.labels[step.detection.label] for step in pipeline.run(read_wav(path)) if step.detection
        }
        if not heard <= {path.parent.name}:
            raise KwsError(
                f"{path} raises {', '.join(sorted(heard))}. The front page says that no demo word is mistaken."
            )
        spoken += path.parent.name in keywords
        raised += path.parent.name in heard
    return raised, spoken


def thousands(board: str, key: str, unit: int = 1) -> str:
    """A measured figure, in units of so many."""
    return f"{round(measured(board)[key] / unit):,}"


def _conformer(kind: str, key: str) -> float:
    return record(EXPERIMENTS / "conformer" / "conformer.json")[kind][key]


def _device(key: str) -> str:
    """A count of the canonical clips that went through the firmware; all of them must agree."""
    found = record(RELEASED / "evaluation_device.json")
    if found["agreeing_clips"] != found["clips"] or found["model_sha256"] != Bundle.load(RELEASED).model_sha256:
        raise KwsError(f"{RELEASED / 'evaluation_device.json'} is of another model, or clips of it disagree.")
    return f"{found[key]:,}"


def _of_speech() -> dict[str, Any]:
    """What the released model does in running speech, with its own thresholds."""
    return record(RELEASED / "detection_listening.json")["detectors"]["manifest"]


FIGURES: Mapping[str, Callable[[], str]] = {
    "longest check over a bad wire": bad_wires.longest,
    "bad wires, streamed again": bad_wires.streamed_again,
    "fuzzed inputs": bad_wires.fuzzed_inputs,
    "fuzzed inputs, every check": bad_wires.fuzzed_last,
    "fuzzing minutes": bad_wires.fuzzing_minutes,
    "damaged models, kinds": damaged_models.kinds,
    "damaged models of a kind": damaged_models.files_of_a_kind,
    "damaged models, faults": damaged_models.faults,
    "damaged models, slowest": damaged_models.slowest,
    "damaged models, memory": damaged_models.memory,
    "long run, hours": long_run.hours,
    "long run, steps": lambda: long_run.count("steps"),
    "long run, integers": lambda: long_run.count("integers"),
    "long run, mismatches": lambda: long_run.count("mismatches"),
    "long run, lost samples": lambda: long_run.count("lost_samples"),
    "long run, awake": long_run.awake,
    "compiler": lambda: f"arm-none-eabi-gcc {load_measured().tools['compiler']}",
    "emulator": lambda: f"QEMU {load_measured().tools['emulator']}",
    "engine instructions": lambda: thousands(PROMISED_BOARD, "engine"),
    "engine instructions, TFLite Micro": lambda: f"{QUOTED_ENGINES['M4F, int8'][TFLM][0]:,}",
    "front end instructions per frame": lambda: thousands(PROMISED_BOARD, "frontend", 2),
    "flash KB": lambda: thousands(PROMISED_BOARD, "flash", 1000),
    "RAM KB": lambda: thousands(PROMISED_BOARD, "ram", 1000),
    "int8 test accuracy": lambda: percent(accuracy(RELEASED, "canonical-12", "int8_streaming"), 1),
    "int4 test accuracy": lambda: percent(accuracy(INT4, "canonical-12", "int8_streaming"), 1),
    "test clips": lambda: f"{record(RELEASED / 'evaluation_canonical-12.json')['clips']:,}",
    "int8 without off": lambda: percent(accuracy(RELEASED, "canonical-11", "int8_streaming"), 1),
    "recall": lambda: percent(_of_speech()["clips"]["recall"], 0),
    "false accepts per hour": lambda: rate_text(_of_speech()["speech"]),
    "device clips": lambda: _device("clips"),
    "device steps": lambda: _device("steps"),
    "demo keywords detected": lambda: f"{demo_words()[0]} of the {demo_words()[1]}",
    "conformer float32": lambda: (
        f"{_conformer('float32', 'step_ms'):.1f} ms and {_conformer('float32', 'peak_mb'):.0f} MB"
    ),
    "conformer int8": lambda: f"{_conformer('int8', 'step_ms'):.1f} ms and {_conformer('int8', 'peak_mb'):.0f} MB",
}
