"""How PlatformIO's targets and its test runner start emulated boards: by the kit's own `kws-host emulate`."""

import importlib.util
import sys


class NotInstalled(RuntimeError):
    """The Python that runs PlatformIO has no `kws_host`; the text is one line with the next step."""


def emulate_command(*words: object) -> list[str]:
    """Returns the command line of `kws-host emulate` under the Python that runs PlatformIO. Args: words: its options.

    Raises:
      NotInstalled: that Python is not the kit's.
    """
    if importlib.util.find_spec("kws_host") is None:
        raise NotInstalled(
            f"{sys.executable}, which runs PlatformIO, has no kws_host, which starts emulators: use the kit's own pio "
            "(.venv/bin/pio), or install the kit there (pip install -e '.[host]')"
        )
    return [sys.executable, "-m", "kws_host.cli", "emulate", *map(str, words)]
