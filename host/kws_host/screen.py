"""Text for people: tables, and printing that a reader may walk away from."""

from collections.abc import Sequence
from pathlib import Path

from kws_reference.cli.output import drop_output


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Lines up columns; ``right`` names the columns that are right-aligned."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(cells[0]), "  ".join("-" * width for width in widths), *map(line, cells[1:])])


class Screen:
    """Prints text that goes with reports: when nobody reads it any more (``| head``), the reports still get written."""

    def __init__(self, *reports: str | Path | None):
        """Args: reports: targets; ``-`` in the place of text."""
        self.quiet = "-" in reports
        self._kept = any(report is not None for report in reports)

    def print(self, text: str) -> None:
        """Prints lines, unless stdout is a report's.

        Raises:
          BrokenPipeError: nobody reads, and no report is wanted either.
        """
        if self.quiet:
            return
        try:
            print(text, flush=True)
        except BrokenPipeError:
            if not self._kept:
                raise
            self.quiet = True
            drop_output()
