"""What all pictures share: matplotlib without a display, files that are replaced as a whole, colours."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["text.parse_math"] = False  # "$" in a label or a name is a dollar
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first: no display is needed
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.system.files import replacing  # noqa: E402


def save(figure: plt.Figure, path: Path, dpi: int = 120) -> None:
    """Replaces a picture as a whole: a full disk leaves the old one.

    Raises:
      KwsError: it cannot be written.
    """
    try:
        with replacing(path) as file, warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # of labels in scripts that the font lacks: boxes
            figure.savefig(file, format="png", dpi=dpi)
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Free space and run again.") from None
    finally:
        plt.close(figure)


def colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each name; none is grey, which is for what is no keyword."""
    palette = [colour for colour in plt.get_cmap("tab20").colors if max(colour) - min(colour) > 0.1]
    palette = [*palette[::2], (0.1, 0.15, 0.4), *palette[1::2]]  # the dark ones of tab20's pairs first
    return {name: palette[index % len(palette)] for index, name in enumerate(names)}
