"""An estimate of cycles as text for people."""

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
    boards = [_board_row(row) for row in estimate["boards"]]
    return "\n\n".join(
        [
            f"estimate of cycles on a {estimate['core']} without wait states, of the first {estimate['steps']} steps: nobody "
            "measured them on a chip",
            table(
                ("stage", "instructions/step", "cycles/step", "least", "most", "cycles/instruction"),
                stages,
                right=(1, 2, 3, 4, 5),
            ),
            table(
                ("on a chip as of", "MHz", "wait states", "cycles/step", "share of time", "lowest MHz"),
                boards,
                right=(1, 2, 3, 4, 5),
            )
            + "\n(a dash: the board's file describes no flash. The lowest clock keeps the wait states of the board's own.)",
        ]
    )


def _board_row(row: dict) -> tuple[str, ...]:
    waits = "-" if row["wait_states"] is None else str(row["wait_states"])
    return (
        row["board"],
        f"{row['clock_hz'] / 1e6:g}",
        waits,
        f"{row['cycles']:,.0f}",
        f"{100 * row['share']:.1f} %",
        f"{row['lowest_clock_hz'] / 1e6:.1f}",
    )
