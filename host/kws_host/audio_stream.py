"""A recording on its way to a device, as much of it at a time as the device has room for (host/PROTOCOL.md)."""

from collections.abc import Callable

from kws_reference.protocol import messages
from kws_reference.protocol.messages import ErrorCode, MessageType

from kws_host.frame import Frame
from kws_host.link import Link, LinkError, RequestRefused

CHUNK_BYTES = 640  # 20 ms at 16 kHz
SILENCES = 3
"""Answer timeouts in a row after which the device is given up."""
CHUNKS_FOR_A_SILENCE = 8
"""So many pieces must get through for each answer timeout, beyond the first ones, or the link is given up."""
FREE_SILENCES = 10
"""Answer timeouts in all that every recording has."""


class AudioStream:
    """PCM bytes, and how far the device is with them. Offsets are bytes since RESET.

    Attributes:
      silences_in_all: answer timeouts, each after something was lost.
    """

    def __init__(self, link: Link, pcm: bytes, credit: messages.Credit, window_bytes: int):
        """Args: link: to the device. pcm: int16, little-endian. credit: of RESET_DONE. window_bytes: of the credit."""
        self._link = link
        self._pcm = pcm
        self._window_bytes = window_bytes
        self._sent = 0  # the next byte to send
        self._received = 0  # taken by the device
        self._limit = credit.limit_bytes  # up to which we may send
        self._rewound_to = -1  # where the device's last gap began
        self._silences = 0  # in a row
        self.silences_in_all = 0

    def run(self, on_frame: Callable[[Frame], object], on_progress: Callable[[int], None] | None = None) -> None:
        """Sends everything and returns when the device has consumed it.

        Args:
          on_frame: called with every frame that is not about the stream.
          on_progress: called with the number of samples that the device has taken so far.

        Raises:
          LinkError: the link broke or loses nearly everything, or the device stopped answering.
          RequestRefused: the device refused audio for another reason than a gap.
        """
        while True:
            self._send_within_credit()
            if self._is_consumed():
                return
            frame = self._link.receive(self._link.timeout_s)
            if frame is None:
                self._on_silence()
                continue
            self._silences = 0
            if frame.type == MessageType.CREDIT:
                self._on_credit(self._link.decode(messages.Credit, frame.payload))
                if on_progress:
                    on_progress(self._received // 2)
            elif frame.type == MessageType.ERROR:
                self._on_error(self._link.decode(messages.Error, frame.payload))
            else:
                on_frame(frame)

    def _send_within_credit(self) -> None:
        while (size := min(CHUNK_BYTES, self._limit - self._sent, len(self._pcm) - self._sent) // 2 * 2) > 0:
            part = self._pcm[self._sent : self._sent + size]
            self._link.send(MessageType.AUDIO, messages.Audio(self._sent, part).encode())
            self._sent += size

    def _is_consumed(self) -> bool:
        """Whether the device has taken all audio off its ring: only then is there room for a whole window more."""
        return self._limit - self._window_bytes >= len(self._pcm) and self._received >= len(self._pcm)

    def _on_silence(self) -> None:
        """Something was lost, in one direction or the other: asks where the device is, to go on from there."""
        self._silences += 1
        if self._silences == SILENCES:
            raise LinkError(
                f"{self._link.port}: the device stopped answering after {self._received} of {len(self._pcm)} bytes of "
                "audio. Is it still running?"
            )
        self.silences_in_all += 1
        if self.silences_in_all > FREE_SILENCES + self._received // CHUNK_BYTES // CHUNKS_FOR_A_SILENCE:
            raise LinkError(
                f"{self._link.port}: the link loses too much: {self._received} of {len(self._pcm)} bytes of audio took "
                f"{self.silences_in_all} timeouts. Use a better cable or a lower baud rate."
            )
        self._sent, self._rewound_to = self._received, -1
        self._link.send(MessageType.AUDIO, messages.Audio(self._received, b"").encode())

    def _on_credit(self, credit: messages.Credit) -> None:
        self._received = max(self._received, credit.received_bytes)
        self._limit = max(self._limit, credit.limit_bytes)
        self._sent = max(self._sent, self._received)

    def _on_error(self, error: messages.Error) -> None:
        if error.code != ErrorCode.AUDIO_GAP:
            raise RequestRefused(self._link.port, error)
        if error.detail != self._rewound_to:  # every piece behind the lost one is refused: go back once
            self._sent = self._rewound_to = error.detail
