"""Who is behind a port: asked shortly, and never an error."""

import dataclasses

from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Info

from kws_host.device import Device
from kws_host.link import Link, LinkError
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


def ask(port: str, baud: int, timeout_s: float) -> Answer:
    """Asks who is there. Args: port: name or URL. timeout_s: of each of the link's attempts."""
    heard = bytearray()
    try:
        with Link(port, baud=baud, timeout_s=timeout_s, on_text=heard.extend) as link:
            try:
                info = Device(link).info
            except LinkError:
                words = link.last_words
                return Answer(OTHER if words else SILENT, None, words)
            return Answer(OURS, info, "")
    except LinkError as error:
        cause = error.__cause__
        reason = cause.reason if isinstance(cause, PortUnavailable) else "cannot be read"
        return Answer(reason, None, str(error))
    except KwsError as error:
        return Answer(OLDER, None, str(error))
