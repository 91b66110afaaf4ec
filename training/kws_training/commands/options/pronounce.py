"""Other spellings by which the voices say a label."""

import argparse

from kws_reference.errors import KwsError
from kws_reference.labels import normalised


def add_pronounce(parser: argparse.ArgumentParser) -> None:
    """Adds ``--pronounce``."""
    parser.add_argument(
        "--pronounce",
        action="append",
        default=[],
        metavar="LABEL=SPELLING",
        help="the voices also say a label as it is spelled so, in turn with its own spelling: jarvis=jahviss; "
        "several with commas between; repeatable",
    )


def spellings_of(values: list[str], labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Other spellings of each label.

    Args:
      values: of ``--pronounce``.
      labels: the labels.

    Raises:
      KwsError: a value is not ``LABEL=SPELLING``, or of no label.
    """
    found: dict[str, tuple[str, ...]] = {}
    for value in values:
        label, _, texts = (normalised(part.strip()) for part in value.partition("="))
        spellings = tuple(" ".join(text.split()) for text in texts.split(",") if text.strip())
        if label not in labels or not spellings:
            raise KwsError(
                f"--pronounce wants one of the labels, =, and spellings with commas between: "
                f"{labels[0] if labels else 'jarvis'}=jahviss. Received: {value!r}."
            )
        found[label] = tuple(dict.fromkeys((*found.get(label, ()), *spellings)))
    return found
