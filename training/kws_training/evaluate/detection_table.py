"""The table of a detection report: detectors side by side."""

from collections.abc import Callable, Sequence
from typing import Any

from kws_reference.bundle import NEVER_Q15
from kws_reference.labels import LabelSet

from kws_training.evaluate.matching import Cause

_CELL = 36


def detection_table(result: dict[str, Any], names: Sequence[str], step_ms: float, labels: LabelSet) -> list[str]:
    """Lines that set detectors side by side.

    Args:
      result: for each of `names` the figures of `DetectionMetrics.to_dict`, the detector's settings and
        ``unknown_words``.
      names: of the detectors.
      step_ms: milliseconds of a step.
      labels: in the order of the thresholds.
    """
    rows = {name: result[name] for name in names}
    first = rows[names[0]]
    keywords = list(first["labels"])
    width = max(18, *(len(label) + 1 for label in keywords))

    def line(what: str, text: Callable[[dict[str, Any]], str]) -> str:
        return f"{what:{width}}" + "".join(f"{text(row):>{_CELL}}" for row in rows.values())

    return [
        "",
        f"{'':{width}}" + "".join(f"{name:>{_CELL}}" for name in names),
        line("", lambda _: "threshold   recall   false/hour"),
        *(line(label, lambda row, label=label: _of_label(row, labels.index(label), label)) for label in keywords),
        line("all", lambda row: _cells("", row["recall"], row["false_accepts_per_hour"])),
        line("95 % of it", lambda row: "{:.2f} to {:.2f}".format(*row["false_accepts_per_hour_95"])),
        *(line(f"  {cause.value}", lambda row, cause=cause: _rate_of(row, cause)) for cause in Cause),
        *(
            line(f"  {name}", lambda row, name=name: _share(row["unknown_words"][name]))
            for name in first["unknown_words"]
        ),
        line("smoothing window", lambda row: f"{row['smoothing_steps'] * step_ms:g} ms"),
        line("refractory period", lambda row: f"{row['refractory_steps'] * step_ms:g} ms"),
        line("latency", lambda row: _latency(row["latency_ms"])),
        f"{first['hours']:g} hours, {first['keywords']} keywords. False accepts an hour by cause; unknown words by "
        "source; latency from the word's end.",
    ]


def _cells(threshold: str, recall: float | None, rate: float) -> str:
    share = "none said" if recall is None else f"{100 * recall:.1f} %"
    return f"{threshold:>15}{share:>10}{rate:>11.2f}"


def _of_label(row: dict[str, Any], index: int, label: str) -> str:
    threshold, figures = row["threshold_q15"][index] / NEVER_Q15, row["labels"][label]
    shown = f"{threshold:.4f}" if threshold < 1 else "never"
    return _cells(shown, figures["recall"], figures["false_accepts_per_hour"])


def _rate_of(row: dict[str, Any], cause: Cause) -> str:
    return f"{row['false_accepts_by_cause'][cause.value] / row['hours']:.2f}"


def _share(count: dict[str, int]) -> str:
    return f"raised by {100 * count['raised'] / count['spoken']:.1f} % of {count['spoken']} ({count['clips']} clips)"


def _latency(latency_ms: dict[str, float] | None) -> str:
    return "{median:.0f} ms, 90 % {percentile_90:.0f} ms".format(**latency_ms) if latency_ms else "-"
