"""Results of the reference that are kept from run to run, found by all that they depend on."""

import dataclasses
import hashlib
import json
import logging
import os
import struct
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import kws_reference
import numpy as np
from kws_reference.bundle import Bundle

from kws_host.bulk import BulkResults

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ReferenceCache:
    """A folder of results. Attributes: folder: made when something is kept."""

    folder: Path

    def load(self, bundle: Bundle, audio: Sequence[np.ndarray]) -> list[BulkResults] | None:
        """Returns the results of recordings, None when they are not kept or cannot be read."""
        path = self._path(bundle, audio)
        if not path.is_file():
            return None
        try:
            with np.load(path) as data:
                ends = np.cumsum(data["counts"])[:-1]
                parts = (np.split(data[key], ends) for key in ("crcs", "scores", "events"))
                return [BulkResults(*part) for part in zip(*parts, strict=True)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            log.warning(f"{path} cannot be read and is computed anew")
            return None

    def keep(self, bundle: Bundle, audio: Sequence[np.ndarray], results: Sequence[BulkResults]) -> None:
        """Writes the results of recordings, as a whole or not at all; that they cannot be kept is only told."""
        path = self._path(bundle, audio)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
                np.savez_compressed(
                    file,
                    counts=np.array([len(r.feature_crcs) for r in results]),
                    crcs=np.concatenate([r.feature_crcs for r in results]),
                    scores=np.concatenate([r.scores for r in results]),
                    events=np.concatenate([r.events for r in results]),
                )
            os.replace(file.name, path)
        except OSError as error:
            log.warning(f"the reference's results are not kept ({error})")

    def _path(self, bundle: Bundle, audio: Sequence[np.ndarray]) -> Path:
        return self.folder / f"reference-{_digest(bundle, audio)[:32]}.npz"


def _digest(bundle: Bundle, audio: Sequence[np.ndarray]) -> str:
    """Of everything that the reference's results depend on: bundle, audio, its own source, the interpreter."""
    digest = hashlib.sha256()
    for path in sorted(Path(kws_reference.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(f"{metadata.version('tflite-micro')} {metadata.version('numpy')}".encode())
    digest.update(json.dumps(bundle.manifest, sort_keys=True).encode() + bundle.model)
    for pcm in audio:
        digest.update(struct.pack("<I", len(pcm)) + np.asarray(pcm, "<i2").tobytes())
    return digest.hexdigest()
