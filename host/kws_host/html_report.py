"""A result as one HTML file that needs nothing else."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from kws_reference.system.file_names import printable
from markupsafe import Markup

from kws_host.measured_results import Result, Row, changes
from kws_host.timeline import HEIGHT, WIDTH, Timeline

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 500
"""Of a table."""


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A recording with its timeline. Attributes: audio: a data URL to play, "" without."""

    row: Row
    timeline: Timeline
    audio: str


def render(
    title: str,
    result: Result,
    drawn: Sequence[Drawn],
    *,
    against: tuple[str, Result] | None = None,
    audio_note: str = "",
) -> str:
    """Returns the page.

    Args:
      title: of the page.
      result: what was measured.
      drawn: recordings to show.
      against: name and content of an earlier result, for what differs.
      audio_note: for people: what was left out of the audio.
    """
    import jinja2  # here: other commands do without

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    changed_figures, changed_rows = changes(against[1], result) if against else ([], [])
    heard = dict.fromkeys(label for counts in result.confusion.values() for label in counts)
    page = environment.get_template("report.html.j2").render(
        title=title,
        result=result,
        verdict=_verdict(result),
        figures=[(name, f"{value:,}") for name, value in result.figures.items()],
        against=against is not None,
        against_name=against[0] if against else "",
        changed_figures=changed_figures,
        changed_rows=changed_rows,
        most=MOST_ROWS,
        heard_labels=[label for label in heard if any(counts.get(label) for counts in result.confusion.values())],
        timelines=[(one.row, one.timeline, one.audio) for one in drawn],
        audio_note=audio_note,
        width=WIDTH,
        height=HEIGHT,
        listed=result.rows,
        listed_title="Recordings" if result.command == "check" else "Recordings that differ from the reference",
        # "</" would end the script element in the middle of a text, "<!--" with "<script" hide its end.
        embedded=Markup(json.dumps(result.raw, ensure_ascii=True).replace("<", "\\u003c")),
    )
    return "\n".join(printable(line) if not line.isprintable() else line for line in page.split("\n"))


def _verdict(result: Result) -> str:
    what = "integers" if result.command == "check" else "recordings"
    if result.mismatches:
        return f"{result.mismatches:,} {what} differ from the reference."
    if result.command == "check":
        return f"Every one of {result.figures['integers']:,} integers from PCM to detection equals the reference."
    return f"All {result.figures['clips']:,} recordings agree with the reference in every feature, score and detection."
