"""The one exception that users see as a single line."""


class KwsError(Exception):
    """A fault that the user can act on.

    The message is one line that names the cause, the value received and the next step. Command line tools print it to
    stderr as ``error: <message>`` and exit with status 2; library callers catch it.
    """
