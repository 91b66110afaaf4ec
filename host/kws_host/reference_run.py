"""Many recordings through the Python reference, in several processes, or from the cache of an earlier run."""

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.protocol.messages import NO_LABEL
from kws_reference.system import workers

from kws_host.bulk import BulkResults
from kws_host.reference_cache import ReferenceCache

if TYPE_CHECKING:  # it is loaded by the processes that run it
    from kws_reference.pipeline import Pipeline, Step


def run(
    bundle: Bundle,
    audio: Sequence[np.ndarray],
    *,
    jobs: int,
    cache: ReferenceCache | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[BulkResults], bool]:
    """Computes what the firmware must compute.

    Args:
      bundle: the model; processes read it from its folder.
      audio: int16 ``[samples]`` of each recording.
      jobs: processes at once.
      cache: of earlier results; None: computed anew.
      on_progress: called with how many recordings are done.

    Returns:
      The results, and whether they came from the cache.
    """
    if cache and (kept := cache.load(bundle, audio)) is not None:
        return kept, True
    results: list[BulkResults] = []
    compute, path = functools.partial(_compute, str(bundle.path)), str(bundle.path)
    with workers.pool(min(jobs, max(1, len(audio))), _pipeline_of, path) as pool:
        for result in pool.map(compute, audio, chunksize=max(1, min(16, len(audio) // (4 * jobs)))):
            results.append(result)
            on_progress(len(results))
    if cache:
        cache.keep(bundle, audio, results)
    return results, False


def as_bulk_results(bundle: Bundle, steps: Sequence["Step"]) -> BulkResults:
    """The reference's steps as the firmware writes its own in a bulk run."""
    events = [(s.detection.label, s.detection.smoothed_q15) if s.detection else (NO_LABEL, 0) for s in steps]
    return BulkResults(
        np.array([zlib.crc32(step.features.tobytes()) for step in steps], np.uint32),
        np.array([step.scores for step in steps], np.int8).reshape(len(steps), len(bundle.labels)),
        np.array(events, np.uint16).reshape(len(steps), 2),
    )


@functools.cache
def _pipeline_of(bundle_path: str) -> "Pipeline":
    """One for each worker process, which begins with it."""
    from kws_reference.pipeline import Pipeline

    return Pipeline(Bundle.load(bundle_path))


def _compute(bundle_path: str, pcm: np.ndarray) -> BulkResults:
    pipeline = _pipeline_of(bundle_path)
    return as_bulk_results(pipeline.bundle, pipeline.run(pcm))
