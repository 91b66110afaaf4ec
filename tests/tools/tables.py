"""The figures that pages state, each made from a committed record: `TABLES` and, for sentences, `FIGURES`.

Tables that one package alone knows lie there (`kws_firmware.tables`, `kws_training.tables`); here is what compares
several, and what the front page quotes.
"""

import functools
import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / "training" / "zoo"
EXPERIMENTS = ZOO / "experiments"
RELEASED, INT4 = ZOO / "matchbox_kit12", ZOO / "matchbox_kit12_int4"
KINDS = ("float_batch", "float_streaming", "int8_streaming")
SET_TITLES = {"validation": "validation (official split)", "kit-12": "kit-12 test"}
PROMISED_BOARD = "mps2_an386"


@functools.cache
def record(path: Path) -> Any:
    """A committed JSON file.

    Raises:
      KwsError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read {path}: {error}") from None


def table(head: str, align: str, *rows: list[str]) -> str:
    """Markdown. Args: head: titles, divided by ``|``. align: ``l`` or ``r`` for each column."""
    lines = [f"| {head} |", f"|{'|'.join('--:' if side == 'r' else '---' for side in align)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def percent(value: float, digits: int = 2) -> str:
    """A share as per cent."""
    return f"{100 * value:.{digits}f} %"


# Accuracy


def accuracy(bundle: Path, name: str, kind: str) -> float:
    """Of an evaluation that lies in a bundle: share of clips that are right."""
    return record(bundle / f"evaluation_{name}.json")[kind]["accuracy"]


def released() -> str:
    """The two released models on validation and test clips."""
    rows = []
    for name, title in SET_TITLES.items():
        values = [accuracy(RELEASED, name, kind) for kind in KINDS] + [accuracy(INT4, name, "int8_streaming")]
        rows.append([title, f"{record(RELEASED / f'evaluation_{name}.json')['clips']:,}", *map(percent, values)])
    return table(
        "Set | Clips | Float batch | Float streaming | int8 streaming | int4 weights, streaming", "lrrrrr", *rows
    )


def card(bundle: Path, title: str) -> str:
    """One released model on validation and test clips."""
    rows = []
    for name in SET_TITLES:
        result = record(bundle / f"evaluation_{name}.json")
        shown = "validation" if name == "validation" else f"{name} test"
        rows.append([shown, f"{result['clips']:,}", *(percent(result[kind]["accuracy"]) for kind in KINDS)])
    return table(f"Set | Clips | Float batch | Float streaming | {title}, streaming", "lrrrr", *rows)


def compared_runs(name: str, suffix: str) -> str:
    """The trainings of one task side by side, as `kws-train evaluate` recorded them."""
    order = ("mhatt_rnn", "matchbox_noncausal", "matchbox", "transformer", "mixednet")
    runs = [EXPERIMENTS / f"{model}_{suffix}" for model in order]
    if set(runs) != {path.parent for path in EXPERIMENTS.glob(f"*_{suffix}/settings.json")}:
        raise KwsError(f"{EXPERIMENTS} holds other runs of {name} than {', '.join(run.name for run in runs)}.")
    rows = []
    for run in runs:
        history = record(run / "history.json")
        best = max(history, key=lambda entry: entry["val_accuracy"])
        validation, test = (record(run / f"evaluation_{which}.json") for which in ("validation", name))
        cells = [percent(test[kind]["accuracy"]) if kind in test else "-" for kind in KINDS]
        validated = percent(validation["float_batch"]["accuracy"])
        rows.append([run.name, f"{best['epoch']} of {len(history)}", validated, *cells])
    return table(f"Run | Epoch | Validation | {name}: float | float, streaming | int8, streaming", "lrrrrr", *rows)


def custom_words() -> str:
    """What starting from the released weights brings to words of one's own: three seeds each."""
    rows = []
    titles = {
        "started": "`--start-from training/zoo/matchbox_kit12/float`",
        "random": "from random weights",
    }
    for runs, title in titles.items():
        results = [
            record(path) for path in sorted((EXPERIMENTS / "custom_words").glob(f"{runs}_s*/evaluation_unheard.json"))
        ]
        if len(results) != 3:
            raise KwsError(f"{EXPERIMENTS / 'custom_words'} holds {len(results)} runs called {runs}, not 3.")
        confusions = [result["float_batch"]["confusion"] for result in results]  # [truth][heard]; 0 silence, 1 unknown
        right = [100 * result["float_batch"]["accuracy"] for result in results]
        found = [str(sum(counts[label][label] for label in (2, 3))) for counts in confusions]
        taken = [str(sum(counts[1][2:])) for counts in confusions]
        rows.append(
            [
                title,
                f"{statistics.mean(right):.1f} ± {statistics.stdev(right):.1f} %",
                f"{', '.join(found)} of {sum(map(sum, confusions[0][2:]))}",
                f"{', '.join(taken)} of {sum(confusions[0][1])}",
            ]
        )
    return table(" | All right | Labels right | Unknown words taken for a label", "llll", *rows)


# Detection


def detection() -> str:
    """The released model on ten hours of recordings made from test clips: default and chosen thresholds."""
    result = record(RELEASED / "detection_kit-12-stream.json")
    titles = {
        "default": "threshold 0.7, refractory period 1.2 s (default of new bundles)",
        "manifest": "chosen on validation for at most 10 per hour (released)",
    }
    rows = []
    for kind, title in titles.items():
        found = result[kind]
        low, high = found["false_accepts_per_hour_95"]
        latency = found["latency_ms"]
        rows.append(
            [
                title,
                percent(found["recall"], 1),
                f"{found['false_accepts_per_hour']:.1f} ({low:.1f} to {high:.1f})",
                f"{latency['median']:.0f} / {latency['percentile_90']:.0f} ms",
            ]
        )
    return table("Detector | Recall | False accepts per hour (95 %) | Latency, median / 90th percentile", "lrrr", *rows)


# Engines

# Measured once with a real TensorFlow Lite Micro tree (90b983c2, CMSIS-NN 4ab83cc3), outside of this repository: engine
# alone, step, arena in use, flash, RAM, stack in use. Rows of this kit come from `kws_firmware.tables`, or, for int4,
# from the same measurement.
TFLM = "TFLite Micro + CMSIS-NN"
QUOTED_ENGINES: dict[str, dict[str, tuple[int | None, ...]]] = {
    "M4F, int8": {
        "TFLite Micro, reference kernels": (1769376, 1838208, 38540, 218352, 91564, 1312),
        TFLM: (730601, 799433, 41692, 265952, 91564, 1568),
        "the same, registrations for int8 alone (what `kws-codegen` writes)": (
            *(730343, 799175, 41692, 229408, 91564, 1292),
        ),
    },
    "M4F, int4": {
        "TFLite Micro, reference kernels": (2044435, 2113267, 46220, 184124, 91452, 1312),
        TFLM: (780871, 849703, 41692, 231724, 91452, 1652),
        "this kit, `aot`": (193780, 262634, None, 90092, 28596, 776),
    },
    "M55, int8": {
        "TFLite Micro, reference kernels": (1662315, 1702320, 38540, 218628, 91580, 1392),
        TFLM: (213098, 253103, 47612, 254316, 91580, 1652),
    },
    "M55, int4": {TFLM: (261793, 301798, 47612, 220084, 91468, 1684)},
}
MEASURED_ENGINES = {"M4F, int8": PROMISED_BOARD, "M55, int8": "mps3_an547"}


def engines() -> str:
    """TensorFlow Lite Micro beside this kit, on the released models."""
    rows = []
    for title, quoted in QUOTED_ENGINES.items():
        entries = dict(quoted)
        if title in MEASURED_ENGINES:
            ours = measured(MEASURED_ENGINES[title])
            entries["this kit, `aot`"] = (
                *(ours["engine"], ours["step"], None),
                *(ours["flash"], ours["ram"], ours["stack"]),
            )
        for number, (engine, values) in enumerate(entries.items()):
            figures = ["-" if value is None else f"{value:,}" for value in values]
            rows.append(["" if number else title, engine, *figures])
    head = "Board, model | Engine | Engine alone | Step (20 ms) | Arena used | Flash | RAM | Stack used"
    return table(head, "llrrrrrr", *rows).replace("|  |", "| |")


def measured(board: str) -> dict[str, int]:
    """What `make measure` found on an emulated board."""
    from kws_firmware.tables import load_measured

    return load_measured()[board]


# The Conformer


def conformer() -> str:
    """The large encoder, float32 against int8."""
    found = record(EXPERIMENTS / "conformer" / "conformer.json")
    ratio, talk = found["float32_over_int8"], found["talk"]
    both = [found["float32"], found["int8"]]

    def said(key: str, unit: str) -> str:
        one, other = talk[key]
        return f"{one:.0f} -> {other:.0f} {unit}: {talk['float32_over_int8'][key]:.1f}"

    rows = [
        [
            "elapsed time for each 20 ms step, median",
            *(f"{kind['step_ms']:.1f} ms" for kind in both),
            f"{ratio['step_ms']:.1f}",
            said("step_ms", "ms"),
        ],
        ["processor time for each step", *(f"{kind['cpu_ms']:.1f} ms" for kind in both), f"{ratio['cpu_ms']:.1f}", ""],
        [
            "peak memory of the process, without the interpreter's own",
            *(f"{kind['peak_mb']:.0f} MB" for kind in both),
            f"{ratio['peak_mb']:.1f}",
            said("memory_mb", "MB"),
        ],
        [
            "of these allocated / pages of the file",
            *(f"{kind['anonymous_mb']:.0f} / {kind['mapped_mb']:.0f} MB" for kind in both),
            *("", ""),
        ],
        ["`.tflite`", *(f"{kind['file_mb']:.0f} MB" for kind in both), f"{ratio['file_mb']:.1f}", ""],
    ]
    return (
        table(" | float32 | int8 | ratio | the talk, phone", "lllll", *rows)
        .replace("|  |", "| |")
        .replace("|  |", "| |")
    )


# Figures in sentences


@functools.cache
def demo_words() -> tuple[int, int]:
    """Of the demo's synthesised keywords: how many the released detector raises, and how many there are."""
    pipeline = Pipeline(Bundle.load(RELEASED))
    keywords = pipeline.bundle.labels[2:]
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


def seeds() -> str:
    """Test accuracy of the released recipe, int8 streaming: mean and standard deviation of its three seeds."""
    folders = [RELEASED, *(EXPERIMENTS / "release" / seed / "int8" for seed in ("s2", "s3"))]
    values = [100 * accuracy(folder, "kit-12", "int8_streaming") for folder in folders]
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f} %"


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


FIGURES: Mapping[str, Callable[[], str]] = {
    "engine instructions": lambda: thousands(PROMISED_BOARD, "engine"),
    "engine instructions, TFLite Micro": lambda: f"{QUOTED_ENGINES['M4F, int8'][TFLM][0]:,}",
    "front end instructions per frame": lambda: thousands(PROMISED_BOARD, "frontend", 2),
    "flash KB": lambda: thousands(PROMISED_BOARD, "flash", 1000),
    "RAM KB": lambda: thousands(PROMISED_BOARD, "ram", 1000),
    "int8 test accuracy": lambda: percent(accuracy(RELEASED, "kit-12", "int8_streaming"), 1),
    "int4 test accuracy": lambda: percent(accuracy(INT4, "kit-12", "int8_streaming"), 1),
    "test clips": lambda: f"{record(RELEASED / 'evaluation_kit-12.json')['clips']:,}",
    "three seeds": seeds,
    "recall": lambda: percent(record(RELEASED / "detection_kit-12-stream.json")["manifest"]["recall"], 0),
    "false accepts per hour": lambda: (
        f"{record(RELEASED / 'detection_kit-12-stream.json')['manifest']['false_accepts_per_hour']:.1f}"
    ),
    "device clips": lambda: _device("clips"),
    "device steps": lambda: _device("steps"),
    "demo keywords detected": lambda: f"{demo_words()[0]} of the {demo_words()[1]}",
    "conformer float32": lambda: (
        f"{_conformer('float32', 'step_ms'):.1f} ms and {_conformer('float32', 'peak_mb'):.0f} MB"
    ),
    "conformer int8": lambda: f"{_conformer('int8', 'step_ms'):.1f} ms and {_conformer('int8', 'peak_mb'):.0f} MB",
}

TABLES: Mapping[str, Callable[[], str]] = {
    "released": released,
    "card int8": lambda: card(RELEASED, "int8"),
    "card int4": lambda: card(INT4, "int4 weights"),
    "runs kit-12": lambda: compared_runs("kit-12", "kit12"),
    "runs canonical-8": lambda: compared_runs("canonical-8", "canonical8"),
    "custom words": custom_words,
    "detection": detection,
    "engines": engines,
    "conformer": conformer,
}


def all_makers() -> dict[str, Callable[[], str]]:
    """Everything that a page may state, by name.

    Raises:
      KwsError: two makers have one name.
    """
    from kws_firmware import tables as of_firmware

    makers: dict[str, Callable[[], str]] = {}
    for more in (FIGURES, TABLES, of_firmware.TABLES):
        twice = sorted(set(makers) & set(more))
        if twice:
            raise KwsError(f"two makers of figures are called {', '.join(twice)}.")
        makers |= more
    return makers
