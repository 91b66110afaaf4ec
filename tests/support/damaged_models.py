"""Models and manifests whose bytes are damaged, and what reads them: each must end with a result or with one line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from kws_codegen.adopt.adoption import adopt
from kws_codegen.options import Options
from kws_codegen.survey import survey, text
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from tests.support import published
from tests.support.int16 import int16
from tests.support.models import GraphBuilder, gates, matchbox, memories, streaming_wake_word
from tests.support.mutations import json_mutations, mutations
from tests.support.resource_variables import with_variables
from tests.support.tflite_writer import write


def _of(builder: Callable[[], GraphBuilder]) -> Callable[[Path], bytes]:
    return lambda folder: write(builder().graph())


MODELS: dict[str, tuple[Callable[[Path], bytes], int]] = {
    "variables": (lambda folder: with_variables(matchbox(labels=5).write(folder)), 8),
    "states": (_of(published.gru), 40),
    "window": (_of(streaming_wake_word), 40),
    "planes": (_of(published.bc_resnet), 40),
    "memories": (lambda folder: write(memories().as_converted()), 10),
    "gates": (lambda folder: write(gates().as_converted()), 10),
    "int16": (lambda folder: write(int16(matchbox(labels=5)).graph()), 8),
    "recomputing": (_of(published.ds_cnn), 10),
}
"""Name -> what makes the ``.tflite``, and the coefficients of a frame."""

MANIFEST = "manifest"
"""The kind that is no model: a bundle's ``model.json``."""


def ways(coefficients: int) -> dict[str, Callable[[bytes], object]]:
    """What reads a model, by command."""
    return {
        "inspect": lambda model: text(survey(model, Options()), "model"),
        "adopt": lambda model: adopt(model, coefficients),
        "stream": lambda model: adopt(model, coefficients, 1, streaming=True),
    }


def damage(kind: str, count: int, seed: int, folder: Path) -> Iterator[dict[str, Callable[[], object]]]:
    """Yields for each damaged file what reads it, by command.

    Args:
      kind: of `MODELS`, or `MANIFEST`.
      count: of files.
      seed: of the damage.
      folder: to work in, empty.
    """
    if kind == MANIFEST:
        yield from _manifests(count, seed, folder)
        return
    make, coefficients = MODELS[kind]
    for model in mutations(make(folder), count, seed):
        yield {way: lambda run=run, model=model: run(model) for way, run in ways(coefficients).items()}


def _manifests(count: int, seed: int, folder: Path) -> Iterator[dict[str, Callable[[], object]]]:
    bundle = matchbox(labels=5).write(folder / "bundle")
    path = bundle.path / "model.json"
    for data in json_mutations(json.loads(path.read_text()), count, seed):
        path.write_bytes(data)
        yield {"load": lambda: Bundle.load(bundle.path)}


def end_of(run: Callable[[], object]) -> str | None:
    """Runs; returns the refusal, which is one line, or None where there is a result."""
    try:
        run()
    except KwsError as error:
        return str(error)
    return None
