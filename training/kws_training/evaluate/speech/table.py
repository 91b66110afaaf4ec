"""The table of a report on running speech: a detector a line, then the last one's keywords."""

from typing import Any

from kws_reference.bundle import NEVER_Q15
from kws_reference.labels import LabelSet


def speech_table(result: dict[str, Any], labels: LabelSet) -> list[str]:
    """Lines that set detectors side by side.

    Args:
      result: of `kws_training.evaluate.speech.report`.
      labels: in the order of the thresholds.
    """
    names = list(result["detectors"])
    width = max(16, *(len(name) + 2 for name in names))
    rows = [(name, result["detectors"][name]) for name in names]
    head = f"{'':{width}}{'clips heard':>12}{'said and heard':>16}{'false/hour':>12}{'95 %':>18}{'with homophones':>17}"
    lines = ["", head]
    lines += [
        f"{name:{width}}{_share(row.get('clips')):>12}{_share(row['speech']):>16}{_rate(row['speech']):>12}"
        f"{_interval(row['speech']):>18}{row['speech']['homophones_counted']['false_accepts_per_hour']:>17.2f}"
        for name, row in rows
    ]
    for what in ("noise", "near_silence"):
        if what in rows[0][1]:
            lines += ["", *(_of_noise(f"{name}, {what.replace('_', ' ')}", row[what]) for name, row in rows)]
    last_name, last = rows[-1]
    lines += _of_disturbed(last_name, last, width)
    speech, clips = last["speech"], last.get("clips")
    lines += [
        "",
        f"{last_name + ':':{width}}{'threshold':>12}{'clips heard':>14}{'said and heard':>16}{'false/hour':>12}",
    ]
    for label, figures in speech["labels"].items():
        threshold = last["threshold_q15"][labels.index(label)] / NEVER_Q15
        lines.append(
            f"{label:{width}}{f'{threshold:.4f}' if threshold < 1 else 'never':>12}"
            f"{_share(clips and clips['labels'][label]):>14}{_share(figures):>16}{_rate(figures):>12}"
        )
    lines += [_foot(speech), *_latencies(last)]
    return lines


def _share(figures: dict[str, Any] | None) -> str:
    return (
        "-" if not figures or figures["recall"] is None or not _count(figures) else f"{100 * figures['recall']:.1f} %"
    )


def _count(figures: dict[str, Any]) -> int:
    return figures.get("keywords", figures.get("clips", 0))


def _rate(figures: dict[str, Any]) -> str:
    return f"{figures['false_accepts_per_hour']:.2f}"


def _interval(speech: dict[str, Any]) -> str:
    below = speech.get("below_with_95_percent_confidence")
    return f"below {below:.2f}" if below else "{:.2f} to {:.2f}".format(*speech["false_accepts_per_hour_95"])


def _foot(speech: dict[str, Any]) -> str:
    left_out = speech["left_out"]["hours"]
    text = f"{speech['hours']:.2f} hours counted"
    if left_out:
        text += f", {left_out:.2f} hours left out whose transcript has a keyword"
    if said := speech["keywords"]:
        text += f"; {said} keywords said"
    if speech["at_homophones"]:
        text += f"; {sum(speech['at_homophones'].values())} detections at words that sound like keywords, not counted"
    return text + "."


def _latencies(figures: dict[str, Any]) -> list[str]:
    """Latency from the word's end, of clips and of words in the speech."""
    found = {"clips": figures.get("clips", {}).get("latency_ms"), "speech": figures["speech"]["latency_ms"]}
    texts = [f"{of['median']:.0f} ms, 90 % {of['percentile_90']:.0f} ms in {what}" for what, of in found.items() if of]
    return [f"Latency from the word's end: median {'; '.join(texts)}."] if texts else []


def _of_noise(what: str, noise: dict[str, Any]) -> str:
    raised = ", ".join(f"{kind} {count}" for kind, count in noise["by_kind"].items() if count)
    return (
        f"{what}: {noise['false_accepts']} in {noise['hours']:.2f} hours, "
        f"{noise['false_accepts_per_hour']:.2f} per hour" + (f" ({raised})" if raised else "")
    )


def _of_disturbed(name: str, figures: dict[str, Any], width: int) -> list[str]:
    rows = figures.get("disturbed", {})
    if not rows:
        return []
    lines = ["", f"{name + ':':{width}}{'false/hour':>12}{'times':>8}{'said and heard':>16}"]
    for what, row in rows.items():
        times = "-" if row["times"] is None else f"{row['times']:.2f}"
        recall = "-" if row["recall"] is None else f"{100 * row['recall']:.1f} %"
        lines.append(f"{what:{width}}{_rate(row):>12}{times:>8}{recall:>16}")
    return lines
