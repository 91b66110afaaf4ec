"""Tables that a tool puts into a README, between two marker lines."""

from kws_reference.errors import KwsError


def replaced(text: str, begin: str, end: str, new: str, where: object = "README.md") -> str:
    """The text with another table between the markers.

    Args:
      text: of the README.
      begin, end: the marker lines.
      new: the table.
      where: name of the file, for the message.

    Raises:
      KwsError: a marker is missing.
    """
    if text.count(begin) != 1 or text.count(end) != 1:
        raise KwsError(f"{where} must hold the lines {begin} and {end} once each.")
    head, rest = text.split(begin)
    return f"{head}{begin}\n{new}\n{end}{rest.split(end)[1]}"
