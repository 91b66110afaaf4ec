"""Who is behind a port: asked shortly, and never an error."""

import dataclasses
import time

from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Info

from kws_host.device import Device
from kws_host.link import Link, LinkBroken, LinkError
from kws_host.port import PortUnavailable

OURS, SILENT, OTHER, OLDER = "runs a firmware of ours", "silent", "speaks something else", "other protocol version"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a port said.

    Attributes:
      state: `OURS`, `SILENT`, `OTHER`, `OLDER`, or why it cannot be opened (`port.REASONS`).
      info: of a firmware of ours.
      detail: for people: what it said, or the reason as the system has it.
    """

    state: str
    info: Info | None
    detail: str


def ask(port: str, baud: int, timeout_s: float, boot_s: float = 0.0) -> Answer:
    """Asks who is there.

    Args:
      port: name or URL. It is opened once, which makes some boards start.
      baud: of a hardware port.
      timeout_s: of each of the link's attempts.
      boot_s: that it may take to start: so long it is asked again while it says nothing.
    """
    deadline = time.monotonic() + boot_s
    try:
        with Link(port, baud=baud, timeout_s=timeout_s) as link:
            while True:
                try:
                    return Answer(OURS, Device(link).info, "")
                except LinkError as error:
                    if isinstance(error, LinkBroken) or time.monotonic() > deadline:
                        words = link.last_words
                        return Answer(OTHER if words else SILENT, None, words)
    except LinkError as error:
        cause = error.__cause__
        reason = cause.reason if isinstance(cause, PortUnavailable) else "cannot be read"
        return Answer(reason, None, str(error))
    except KwsError as error:
        return Answer(OLDER, None, str(error))
