"""The tables of detection in speech and on made recordings."""

from typing import Any

from tests.tools.figures.records import RELEASED, percent, record, table


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


def speech() -> str:
    """The released model on people who read aloud: the detectors of its record."""
    found = record(RELEASED / "detection_listening.json")["detectors"]
    titles = {"default": "default of new bundles", "manifest": "released thresholds"}
    return table(
        "Detector | Clips heard | said in speech and heard | False accepts per hour (95 %)",
        "lrrr",
        *(_speech_row(titles.get(name, f"mean over {name}"), one) for name, one in found.items()),
    )


def disturbed() -> str:
    """The released thresholds on the same speech by other ways."""
    rows = record(RELEASED / "detection_listening.json")["detectors"]["manifest"]["disturbed"]
    return table(
        "Heard through | False accepts per hour (95 %) | times",
        "lrr",
        *([name, _rate(row), "-" if row["times"] is None else f"{row['times']:.2f}"] for name, row in rows.items()),
    )


def _speech_row(title: str, one: dict[str, Any]) -> list[str]:
    return [title, percent(one["clips"]["recall"], 1), percent(one["speech"]["recall"], 1), _rate(one["speech"])]


def _rate(figures: dict[str, Any]) -> str:
    low, high = figures["false_accepts_per_hour_95"]
    return f"{figures['false_accepts_per_hour']:.1f} ({low:.1f} to {high:.1f})"
