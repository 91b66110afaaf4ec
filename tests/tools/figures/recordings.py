"""The table of detection on long recordings."""

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
