"""Audio on its way to a device, as much of it at a time as the device has room for (host/PROTOCOL.md)."""

import time
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

    A recording goes by `run`. Live audio goes by `push` as it comes, and `advance` again and again.

    Attributes:
      silences_in_all: answer timeouts, each after something was lost.
    """

    def __init__(self, link: Link, credit: messages.Credit, window_bytes: int):
        """Args: link: to the device. credit: of RESET_DONE. window_bytes: of the credit."""
        self._link = link
        self._window_bytes = window_bytes
        self._pcm = bytearray()  # what the device may yet ask for again: from _start on
        self._start = 0
        self._sent = 0  # the next byte to send
        self._received = 0  # taken by the device
        self._limit = credit.limit_bytes  # up to which we may send
        self._rewound_to = -1  # where the device's last gap began
        self._silences = 0  # in a row
        self.silences_in_all = 0
        self._heard_s = time.monotonic()  # when it last said something, or had nothing to say

    @property
    def end_bytes(self) -> int:
        """All that was pushed."""
        return self._start + len(self._pcm)

    @property
    def consumed_bytes(self) -> int:
        """What the device has taken off its ring: its steps came before it said so."""
        return max(0, min(self._limit - self._window_bytes, self._received))

    @property
    def is_consumed(self) -> bool:
        """Whether the device has taken all audio off its ring: only then is there room for a whole window more."""
        return self.consumed_bytes >= self.end_bytes

    def push(self, pcm: bytes) -> None:
        """Takes more audio, an even number of bytes; `advance` sends it."""
        if self.is_consumed:
            self._heard_s = time.monotonic()
        self._pcm += pcm

    def run(
        self, pcm: bytes, on_frame: Callable[[Frame], object], on_progress: Callable[[int], None] | None = None
    ) -> None:
        """Sends a whole recording and returns when the device has consumed it.

        Args:
          pcm: int16, little-endian.
          on_frame: called with every frame that is not about the stream.
          on_progress: called with the number of samples that the device has taken so far.

        Raises:
          LinkError: the link broke or loses nearly everything, or the device stopped answering.
          RequestRefused: the device refused audio for another reason than a gap.
        """
        self.push(pcm)
        while True:
            self._send_within_credit()
            if self.is_consumed:
                return
            before = self._received
            self.advance(self._link.timeout_s, on_frame)
            if on_progress and self._received != before:
                on_progress(self._received // 2)

    def advance(self, wait_s: float, on_frame: Callable[[Frame], object]) -> bool:
        """Sends what the device has room for, and takes one frame of it.

        Args:
          wait_s: how long to wait for it.
          on_frame: called with one that is not about the stream.

        Returns:
          Whether there was one.

        Raises:
          LinkError, RequestRefused: as `run`.
        """
        self._send_within_credit()
        frame = self._link.receive(wait_s)
        if frame is None:
            if not self.is_consumed and time.monotonic() - self._heard_s >= self._link.timeout_s:
                self._on_silence()
            return False
        self._silences, self._heard_s = 0, time.monotonic()
        if frame.type == MessageType.CREDIT:
            self._on_credit(self._link.decode(messages.Credit, frame.payload))
        elif frame.type == MessageType.ERROR:
            self._on_error(self._link.decode(messages.Error, frame.payload))
        else:
            on_frame(frame)
        return True

    def _send_within_credit(self) -> None:
        while (size := min(CHUNK_BYTES, self._limit - self._sent, self.end_bytes - self._sent) // 2 * 2) > 0:
            at = self._sent - self._start
            self._link.send(MessageType.AUDIO, messages.Audio(self._sent, bytes(self._pcm[at : at + size])).encode())
            self._sent += size

    def _on_silence(self) -> None:
        """Something was lost, in one direction or the other: asks where the device is, to go on from there."""
        self._silences += 1
        if self._silences == SILENCES:
            raise LinkError(
                f"{self._link.port}: the device stopped answering after {self._received} of {self.end_bytes} bytes of "
                "audio. Is it still running?"
            )
        self.silences_in_all += 1
        if self.silences_in_all > FREE_SILENCES + self._received // CHUNK_BYTES // CHUNKS_FOR_A_SILENCE:
            raise LinkError(
                f"{self._link.port}: the link loses too much: {self._received} of {self.end_bytes} bytes of audio took "
                f"{self.silences_in_all} timeouts. Use a better cable or a lower baud rate."
            )
        self._heard_s = time.monotonic()
        self._sent, self._rewound_to = self._received, -1
        self._link.send(MessageType.AUDIO, messages.Audio(self._received, b"").encode())

    def _on_credit(self, credit: messages.Credit) -> None:
        self._received = max(self._received, min(credit.received_bytes, self.end_bytes))
        self._limit = max(self._limit, credit.limit_bytes)
        self._sent = max(self._sent, self._received)
        del self._pcm[: self._received - self._start]
        self._start = self._received

    def _on_error(self, error: messages.Error) -> None:
        if error.code != ErrorCode.AUDIO_GAP:
            raise RequestRefused(self._link.port, error)
        if error.detail != self._rewound_to:  # every piece behind the lost one is refused: go back once
            self._rewound_to = error.detail
            self._sent = min(max(error.detail, self._start), self.end_bytes)
