"""Command line options for the fields of a settings class: kind, help and default are read from where they stand."""

import ast
import dataclasses
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_KINDS: dict[str, Callable[[str], Any]] = {"int": int, "float": float}
_UNITS = ("samples", "frames", "percent", "db", "rate", "seed", "epochs")


@dataclasses.dataclass(frozen=True)
class Field:
    """A number of a settings class.

    Attributes:
      kind: int or float.
      default: its default.
      text: what the class's docstring says of it, without its sources.
      unit: for the option's metavar, from the name's end; N where that tells none.
    """

    kind: Callable[[str], Any]
    default: int | float
    text: str
    unit: str


def fields_of(module: str, name: str) -> dict[str, Field]:
    """The int and float fields of a dataclass with an ``Attributes:`` section, in their order.

    The source is read and not imported: ``kws_training.train.trainer`` would bring TensorFlow to every ``--help``.
    """
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    node = next(item for item in ast.parse(source).body if isinstance(item, ast.ClassDef) and item.name == name)
    texts = _attributes(ast.get_docstring(node) or "")
    found = {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and (kind := _KINDS.get(ast.unparse(item.annotation))):
            field = item.target.id
            last = field.rsplit("_", 1)[-1]
            unit = last.upper() if last in _UNITS else "N"
            found[field] = Field(kind, ast.literal_eval(item.value), texts[field], unit)
    return found


def _attributes(docstring: str) -> dict[str, str]:
    section = docstring.partition("Attributes:\n")[2].split("\n\n")[0]
    entries = re.findall(r"^  (\w+): (.*(?:\n {3,}.*)*)", section, re.MULTILINE)
    return {name: re.sub(r" ?\([^()]*arXiv[^()]*\)", "", " ".join(text.split())).rstrip(".") for name, text in entries}
