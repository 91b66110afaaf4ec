"""What each release does to held and to repeated words: the table of what `kws_training.measure.held_words` found."""

from kws_training.convert.detector_settings import RELEASE_SHARE
from kws_training.tables.records import KIT12, read_record

RESULT = KIT12 / "held_words.json"
HELD_KINDS = ("clip", "word", "vowel")
"""What is looped: a whole clip, its word, 150 ms of it."""


def render() -> str:
    """Markdown of what was measured.

    Raises:
      KwsError: nothing was, or the record is damaged.
    """
    result = read_record(RESULT)
    lines = [
        "| Released below | Second of two words | within 1.4 s | Raised per looped clip | looped word | held vowel |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, title in (("default", "threshold 0.7"), ("released", "released thresholds")):
        for row in result[name]:
            share = row["share"]
            what = (
                "not held" if share is None else f"{share:g} of it" + (" (the kit's)" if share == RELEASE_SHARE else "")
            )
            found = " | ".join(f"{100 * row[key]:.1f} %" for key in ("second", "close"))
            counts = " | ".join(f"{row[kind]:.2f}" for kind in HELD_KINDS)
            lines.append(f"| {title}, {what} | {found} | {counts} |")
    first = [100 * result[name][0]["first"] for name in ("default", "released")]
    return "\n".join(
        [*lines, "", f"{result['pairs']:,} pairs; of their first words {first[0]:.1f} and {first[1]:.1f} % are found."]
    )
