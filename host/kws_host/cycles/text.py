"""An estimate of cycles as text for people."""

from collections.abc import Sequence

from kws_host.benchmark import STAGES
from kws_host.screen import table


def cycles_text(estimate: dict) -> str:
    """Two tables and what they rest on. Args: estimate: of `estimate.estimate`."""
    stages = [
        (
            name,
            f"{estimate['instructions'][name]:,.0f}",
            *(f"{estimate['cycles'][name][key]:,.0f}" for key in ("likely", "least", "most")),
            f"{estimate['cycles'][name]['likely'] / estimate['instructions'][name]:.2f}",
        )
        for name in (*STAGES, "step")
    ]
    head = ("stage", "instructions/step", "cycles/step", "least", "most", "cycles/instruction")
    boards_head, boards = cycles_table(estimate["boards"])
    return (
        f"estimate of cycles on a {estimate['core']} without wait states, of {estimate['steps']} steps: not "
        f"measured on a chip\n\n{table(head, stages, right=range(1, len(head)))}\n\n"
        f"{table(boards_head, boards, right=range(1, len(boards_head)))}\n"
        "(a dash: the board's file describes no flash; the lowest clock keeps the board's wait states)"
    )


def cycles_table(boards: Sequence[dict]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of what boards need. Args: boards: of `estimate.estimate`."""
    rows: list[tuple[str, ...]] = [
        (
            row["board"],
            f"{row['clock_hz'] / 1e6:g}",
            "-" if row["wait_states"] is None else str(row["wait_states"]),
            f"{row['cycles']:,.0f}",
            f"{100 * row['share']:.1f} %",
            f"{row['lowest_clock_hz'] / 1e6:.1f}",
        )
        for row in boards
    ]
    return ("chip as of", "MHz", "wait states", "cycles/step", "share of time", "lowest MHz"), rows
