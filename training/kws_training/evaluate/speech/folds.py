"""Several models that were trained on different speakers: each speaker is heard by one that does not know him."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from kws_reference.audio.recordings import named
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from kws_training.data.speech.corpus import SpeechRecording

log = logging.getLogger(__name__)

TRAINING_SPEAKERS = "speech_speakers"
"""Under ``provenance`` of a manifest: who speaks in the running speech that the model was trained on."""


def trained_on(bundles: Sequence[Bundle], table: Path | None) -> list[frozenset[str] | None]:
    """On whom each model was trained, by its manifest or by a table; None where nobody knows.

    Args:
      bundles: the models.
      table: JSON of bundle folder to a list of speakers, or None.

    Raises:
      KwsError: the table cannot be read, or is of another form.
    """
    told: dict[str, list[str]] = {}
    if table:
        try:
            told = json.loads(table.read_text(encoding="utf-8"))
            told = {str(Path(folder)): [str(name) for name in names] for folder, names in told.items()}
        except OSError as error:
            raise KwsError(f"{table}: cannot be read ({error.strerror}). Check the path.") from None
        except (ValueError, AttributeError, TypeError):
            raise KwsError(f'{table}: must hold JSON such as {{"bundles/f0": ["84", "1272"]}}.') from None
    found: list[frozenset[str] | None] = []
    for bundle in bundles:
        names = told.get(str(bundle.path), bundle.manifest.get("provenance", {}).get(TRAINING_SPEAKERS))
        found.append(None if names is None else frozenset(names))
    return found


def assigned(
    bundles: Sequence[Bundle], knows: Sequence[frozenset[str] | None], recordings: Sequence[SpeechRecording]
) -> list[list[SpeechRecording]]:
    """The recordings that each model hears.

    One model hears everybody, and the log says if it knows some of them. Of several, the first that was not trained on
    a speaker hears him.

    Raises:
      KwsError: of several models it is not known on whom they were trained, or a speaker is known to all.
    """
    if len(bundles) == 1:
        if known := sorted({item.speaker for item in recordings} & (knows[0] or frozenset())):
            log.warning(
                f"{bundles[0].name} was trained on {len(known)} of the speakers ({named(known)}): this flatters it"
            )
        return [list(recordings)]
    for bundle, known in zip(bundles, knows, strict=True):
        if known is None:
            raise KwsError(
                f"{bundle.path} does not tell on whose speech it was trained. Give --trained-on, JSON such as "
                f'{{"{bundle.path}": ["84", "1272"]}}.'
            )
    hears: dict[str, int] = {}
    for speaker in sorted({item.speaker for item in recordings}):
        fold = next((row for row, known in enumerate(knows) if known is not None and speaker not in known), None)
        if fold is None:
            raise KwsError(f"every one of the {len(bundles)} bundles was trained on speaker {speaker}. Add a fold.")
        hears[speaker] = fold
    return [[item for item in recordings if hears[item.speaker] == fold] for fold in range(len(bundles))]
