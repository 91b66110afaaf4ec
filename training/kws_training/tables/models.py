"""The table of models, from the committed results of trainings and of ``kws-train benchmark``.

Accuracy comes from ``training/zoo/experiments/*/evaluation_<set>.json``, which ``kws-train evaluate --run`` writes; the
other figures from ``training/zoo/experiments/benchmark.json``:

    kws-train benchmark --json training/zoo/experiments/benchmark.json
"""

import textwrap
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training.tables.records import EXPERIMENTS, KIT12, read_record

BENCHMARK = "benchmark.json"
SETS = ("canonical-8", "kit-12")
MODELS = {
    "mhatt_rnn": "MHAtt-RNN",
    "matchbox_noncausal": "Matchbox, non causal",
    "matchbox": "Matchbox, causal",
    "transformer": "self-attention transformer, causal",
    "mixednet": "MixedNet, causal",
}
# Rows of the talk, as published: model, batch, streaming, accuracy, parameters.
QUOTED = (
    ("MHAtt-RNN, non causal", "13 ms", "does not stream", "98.4 %", "750K"),
    ("Matchbox, non causal", "3.0 ms", "-", "98.0 %", "75K"),
    ("Matchbox, causal", "3.0 ms", "0.2 ms", "97.4 %", "75K"),
)
MISSING = "not trained"


def render(experiments: Path = EXPERIMENTS) -> str:
    """Markdown of the table and of what its figures are.

    Args:
      experiments: folder of the benchmark's JSON and of one folder for each training.

    Raises:
      KwsError: a file is missing or damaged, or two trainings claim the same place in the table.
    """
    benchmark = read_record(experiments / BENCHMARK)
    accuracy = _accuracies(experiments)
    lines = [
        "| Model | Batch, 1 s | Streaming, 20 ms | canonical-8 | kit-12 | Parameters | MACs per step | State, int8 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, title in MODELS.items():
        if name not in benchmark["models"]:
            raise KwsError(f"{experiments / BENCHMARK} has no {name}. Run kws-train benchmark --json again.")
        found = benchmark["models"][name]
        cells = [
            f"{title} (`{name}`)",
            f"{found['batch']['median_ms']:.2f} ms",
            _streaming(found),
            *(_accuracy(accuracy.get((name, which))) for which in SETS),
            f"{found['parameters']:,}",
            f"{found['macs_per_step']:,}" if "macs_per_step" in found else f"({found['macs_per_clip']:,} a clip)",
            f"{found['state_bytes']:,} B" if "state_bytes" in found else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for title, batch, streaming, correct, parameters in QUOTED:
        cells = [f"*quoted:* {title}", batch, streaming, f"({correct}, 12 labels)", "-", parameters, "-", "-"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_notes(benchmark)])


def _streaming(found: dict[str, Any]) -> str:
    if "batch_only" in found:
        return "does not stream"
    times = [found[kind] for kind in ("streaming_float", "streaming_int8")]
    cell = " / ".join(f"{timed['median_ms']:.3f}" if "median_ms" in timed else "-" for timed in times) + " ms"
    return f"{cell}, {found['delay_ms']:.0f} ms late" if found["delay_ms"] else cell


def _accuracy(found: dict[str, Any] | None) -> str:
    if found is None:
        return MISSING
    floating = found.get("float_streaming") or found["float_batch"]
    kinds = [floating, *([found["int8_streaming"]] if "int8_streaming" in found else [])]
    return " / ".join(f"{100 * kind['accuracy']:.1f}" for kind in kinds) + " %"


def _notes(benchmark: dict[str, Any]) -> list[str]:
    load = "a quiet machine"
    if benchmark["load"] >= 1:
        load = f"a machine with other work (load {benchmark['load']:.0f}), so upper bounds"
    released = _accuracy(read_record(KIT12 / "int8" / "evaluation_kit-12.json"))
    threads = "one thread" if benchmark["threads"] == 1 else f"{benchmark['threads']} threads"
    text = (
        "Ours: the model alone (features in, scores out; no front end), batch in float, streaming in float / int8; "
        f"median of the quietest tenth of the runs, {threads} on {load}: {benchmark['cpu']}, {benchmark['cores']} "
        f"cores, {benchmark['runtime']}. Accuracy: float / int8, streaming where it streams; one short training each, "
        f"that of MHAtt-RNN far too short (training/zoo/experiments; the first released Matchbox, "
        f"trained for longer: {released} of kit-12). "
        "canonical-8: trained on eight words, tested on the canonical test set without on and off. Quoted: the "
        "figures of the talk, on a Pixel 4, trained with the full official data and tested on all 12 labels of the "
        "canonical set: not the same task as ours."
    )
    return textwrap.wrap(text, 128, break_on_hyphens=False)


def _accuracies(experiments: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Results by model and set."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    where: dict[tuple[str, str], Path] = {}
    for name in SETS:
        for path in sorted(experiments.glob(f"*/evaluation_{name}.json")):
            result = read_record(path)
            key = result.get("architecture"), name
            if key[0] is None:
                raise KwsError(f"{path} does not say which model it is of. Write it with kws-train evaluate --run.")
            if key in found:
                raise KwsError(f"{where[key]} and {path} are both of {key[0]} on {name}. Keep one of them.")
            found[key], where[key] = result, path
    return found
