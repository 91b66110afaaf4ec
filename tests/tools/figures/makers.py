"""Everything that a page may state, by name."""

from collections.abc import Callable, Mapping

from kws_firmware import analysed as of_images
from kws_firmware import tables as of_firmware
from kws_reference.errors import KwsError
from kws_training import tables as of_training

from tests.tools.figures import (
    adopted,
    bad_wires,
    clips,
    conformer,
    cycles,
    engines,
    frontends,
    live,
    recordings,
    sentences,
    training_speed,
    wake_words,
    web,
)
from tests.tools.figures.records import INT4, RELEASED

Maker = Callable[[], str]

TABLES: Mapping[str, Maker] = {
    "released": clips.released,
    "card int8": lambda: clips.card(RELEASED, "int8"),
    "card int4": lambda: clips.card(INT4, "int4 weights"),
    "runs kit-12": lambda: clips.compared_runs("kit-12", "kit12"),
    "runs canonical-8": lambda: clips.compared_runs("canonical-8", "canonical8"),
    "custom words": clips.custom_words,
    "custom words of people": wake_words.people,
    "detection": recordings.detection,
    "speech": recordings.speech,
    "folds": recordings.folds,
    "seeds in speech": recordings.seeds_in_speech,
    "disturbed speech": recordings.disturbed,
    "keywords alone": recordings.alone,
    "without speech": recordings.without_speech,
    "engines": engines.engines,
    "cycles beside measured ones": cycles.published,
    "adopted": adopted.adopted,
    "front ends": frontends.frontends,
    "training speed": training_speed.training_speed,
    "conformer": conformer.conformer,
    "web": web.models,
    "bad wires": bad_wires.bad_wires,
}


def all_makers() -> dict[str, Maker]:
    """Tables and figures of sentences.

    Raises:
      KwsError: two makers have one name.
    """
    makers: dict[str, Maker] = {}
    for more in (
        TABLES,
        sentences.FIGURES,
        live.FIGURES,
        web.FIGURES,
        of_firmware.TABLES,
        of_images.TABLES,
        of_training.TABLES,
    ):
        twice = sorted(set(makers) & set(more))
        if twice:
            raise KwsError(f"two makers of figures are called {', '.join(twice)}.")
        makers |= more
    return makers
