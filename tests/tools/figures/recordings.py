"""The tables of detection in speech and on made recordings."""

from typing import Any

from tests.tools.figures.records import EXPERIMENTS, KIT12, RELEASED, percent, record, table


def detection() -> str:
    """The first released model on ten hours of recordings made from test clips: default and chosen thresholds."""
    result = record(KIT12 / "int8" / "detection_kit-12-stream.json")
    titles = {
        "default": "threshold 0.7, refractory period 1.2 s (default without speech)",
        "manifest": "chosen on validation clips for at most 10 per hour",
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
    titles = {"default": "default without speech: mean over 0.2 s, 0.7", "manifest": "**released thresholds**"}
    return table(
        "Detector | Clips heard | said in speech and heard | False accepts per hour (95 %)",
        "lrrr",
        *(_speech_row(titles.get(name, f"mean over {name}"), one) for name, one in found.items()),
    )


FOLDS_TITLES = {"default": "mean over 0.2 s, 0.7", "manifest": "thresholds chosen for each"}


def folds() -> str:
    """Three seeds as folds: each speaker is heard by one that was not trained on him."""
    found = record(EXPERIMENTS / "release" / "detection_folds.json")["detectors"]
    return table(
        "Detector | Clips heard | said in speech and heard | False accepts per hour (95 %)",
        "lrrr",
        *(_speech_row(FOLDS_TITLES.get(name, f"mean over {name}"), one) for name, one in found.items()),
    )


def seeds_in_speech() -> str:
    """Three seeds with thresholds of their own: `listening`, noise, near-silence, the disturbed recordings."""
    rows = []
    for seed in (1, 2, 3):
        found = record(EXPERIMENTS / "release" / f"s{seed}" / "int8" / "detection_listening.json")
        own = found["detectors"]["manifest"]
        raised = [str(own[kind]["false_accepts"]) for kind in ("noise", "near_silence")]
        name, worst = max(own["disturbed"].items(), key=lambda item: item[1]["times"])
        row = [percent(own["clips"]["recall"], 1), rate_text(own["speech"]), *raised]
        rows.append([f"seed {seed}", *row, f"{worst['times']:.2f} ({name})"])
    columns = "Clips heard | False accepts per hour (95 %) | in noise | in near-silence | times as many, at most"
    return table(f"Thresholds of its own | {columns}", "lrrrrl", *rows)


def alone() -> str:
    """Each keyword while no other one is raised: what its curve reaches with no false accept, one, and three."""
    found = record(RELEASED / "detection_listening.json")
    rows = []
    for name, curve in found["det"]["alone"].items():
        missed = {
            count: min(miss for rate, miss in curve if rate <= (count + 0.5) / found["hours"]) for count in (0, 1, 3)
        }
        rows.append([name, *(percent(1 - missed[count], 1) for count in missed)])
    return table("Alone | no false accept | one | three", "lrrr", *rows)


def without_speech() -> str:
    """The released thresholds where nobody speaks."""
    found = record(RELEASED / "detection_listening.json")["detectors"]["manifest"]
    titles = {"noise": "noise that was kept for testing, and background recordings", "near_silence": "near-silence"}
    rows = []
    for kind, title in titles.items():
        raised = {name: count for name, count in found[kind]["by_kind"].items() if count}
        told = ", ".join(f"{name} {count}" for name, count in raised.items()) or "-"
        rows.append([title, f"{60 * found[kind]['hours']:.0f} min", str(found[kind]["false_accepts"]), told])
    return table("Nobody speaks | Heard | Raised | by", "lrrl", *rows)


def disturbed() -> str:
    """The released thresholds on the same speech by other ways."""
    rows = record(RELEASED / "detection_listening.json")["detectors"]["manifest"]["disturbed"]
    return table(
        "Heard through | False accepts per hour (95 %) | times",
        "lrr",
        *([name, rate_text(row), "-" if row["times"] is None else f"{row['times']:.2f}"] for name, row in rows.items()),
    )


def _speech_row(title: str, one: dict[str, Any]) -> list[str]:
    return [title, percent(one["clips"]["recall"], 1), percent(one["speech"]["recall"], 1), rate_text(one["speech"])]


def rate_text(figures: dict[str, Any]) -> str:
    """False accepts per hour with their interval."""
    low, high = figures["false_accepts_per_hour_95"]
    return f"{figures['false_accepts_per_hour']:.1f} ({low:.1f} to {high:.1f})"
