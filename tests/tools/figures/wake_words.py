"""Tables of wake words of one's own: what people are heard of them, and what running speech raises."""

import statistics
from typing import Any

from kws_reference.errors import KwsError

from tests.tools.figures.records import EXPERIMENTS, record, table

SEEDS = 3
RECORDINGS = (0, 10, 30, 100)
LABELS = ("jarvis", "snowboy")


def people() -> str:
    """Two words from spelling alone and with recordings, three seeds each: thresholds of the manifest, and curves."""
    rows = []
    for count in RECORDINGS:
        found = _records(f"js{count}_s*")
        heard = [[100 * _manifest(one)["clips"]["labels"][label]["recall"] for one in found] for label in LABELS]
        accepts = [_manifest(one)["speech"]["false_accepts_per_hour"] for one in found]
        alone = [[100 * _best(one["det"]["alone"][label], 1.0) for one in found] for label in LABELS]
        rows.append(
            [
                str(count) if count else "none, spelling alone",
                *(_spread(values, "{:.0f}", " %") for values in heard),
                _spread(accepts, "{:.1f}", ""),
                *(_spread(values, "{:.0f}", " %") for values in alone),
            ]
        )
    columns = (
        "jarvis heard | snowboy heard | false accepts an hour | jarvis alone, at most 1/h | snowboy alone, at most 1/h"
    )
    return table(f"Recordings of each word | {columns}", "lrrrrr", *rows)


def _records(pattern: str) -> list[dict[str, Any]]:
    folder = EXPERIMENTS / "custom_words" / "people"
    paths = sorted(folder.glob(f"{pattern}/detection_listening.json"))
    if len(paths) != SEEDS:
        raise KwsError(f"{folder} holds {len(paths)} runs called {pattern}, not {SEEDS}.")
    return [record(path) for path in paths]


def _manifest(found: dict[str, Any]) -> dict[str, Any]:
    return found["detectors"]["manifest"]


def _best(curve: list[list[float]], most: float) -> float:
    """The greatest recall of a curve of false accepts an hour and share missed, with at most so many an hour."""
    return 1 - min(missed for accepts, missed in curve if accepts <= most)


def _spread(values: list[float], form: str, unit: str) -> str:
    """The mean, and the least and the greatest."""
    low, high = form.format(min(values)), form.format(max(values))
    return f"{form.format(statistics.mean(values))}{unit} ({low} to {high})"
