"""What was tried for the detector: the table of a committed exploration."""

from typing import Any

from kws_training.tables.records import KIT12, read_record

RESULT = KIT12 / "detector_parts.json"


def render() -> str:
    """Markdown of what was tried.

    Raises:
      KwsError: there is no record, or it is damaged.
    """
    result = read_record(RESULT)
    rates = " / ".join(f"{rate:g}" for rate in result["rates_per_hour"])
    lines = [
        f"| At {rates} false accepts per hour | Heard in silence, % | Behind speech, % | Latency, ms | Earlier model |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, trial in result["trial"]["detectors"].items():
        earlier = result["released"]["detectors"][name]
        cells = [_cell(trial, "alone"), _cell(trial, "behind"), _cell(trial, "latency_ms"), _cell(earlier, "alone")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(figures: dict[str, Any] | None, key: str) -> str:
    return "-" if figures is None else " / ".join(str(value) for value in figures[key])
