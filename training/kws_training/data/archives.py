"""The official Speech Commands archives."""

import dataclasses

MEGABYTE = 1_000_000


@dataclasses.dataclass(frozen=True)
class Archive:
    """One archive and what is known about it.

    Attributes:
      url: where it is.
      size_bytes: its size.
      sha256: its digest, as published by TensorFlow Datasets and torchaudio for the official archives.
      folder: name of the folder that it becomes.
      unpacked_bytes: room that its files need.
    """

    url: str
    size_bytes: int
    sha256: str
    folder: str
    unpacked_bytes: int

    @property
    def file(self) -> str:
        """Name of the archive's file."""
        return self.url.rsplit("/", 1)[-1]


_OFFICIAL = "https://storage.googleapis.com/download.tensorflow.org/data/"
ARCHIVES = {
    "train": Archive(
        url=_OFFICIAL + "speech_commands_v0.02.tar.gz",
        size_bytes=2_428_923_189,
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        folder="speech_commands_v0.02",
        unpacked_bytes=3_800 * MEGABYTE,
    ),
    "test": Archive(
        url=_OFFICIAL + "speech_commands_test_set_v0.02.tar.gz",
        size_bytes=112_563_277,
        sha256="cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        folder="speech_commands_test_set_v0.02",
        unpacked_bytes=180 * MEGABYTE,
    ),
}
