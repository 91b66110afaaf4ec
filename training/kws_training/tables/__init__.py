"""Tables of pages that are made of the committed records.

`TABLES` names each by its markers: the lines ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page stand around
it.
"""

import functools
from collections.abc import Callable, Mapping

from kws_training.tables import detector_parts, held_words, models, precisions, seeds

TABLES: Mapping[str, Callable[[], str]] = {
    "models": models.render,
    **{f"precisions {name}": functools.partial(precisions.render, name) for name in precisions.SETS},
    "seeds": seeds.render,
    "words": seeds.words,
    "held words": held_words.render,
    "detector parts": detector_parts.render,
}
