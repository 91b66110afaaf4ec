"""An option for every hyperparameter of a dataclass, with the help that its field carries."""

import argparse
from collections.abc import Callable, Collection
from typing import Any

from kws_training.hyperparameters import Hyperparameter, hyperparameters_of


def add_hyperparameters(
    parser: argparse.ArgumentParser,
    title: str,
    cls: type,
    defaults: Callable[[str, Hyperparameter], str],
    *,
    without: Collection[str] = (),
    prefix: str = "",
) -> None:
    """Adds a group of options, none of which is given by itself: `given_hyperparameters` returns those that were.

    Args:
      parser: of a subcommand.
      title: of the group.
      cls: a dataclass of `kws_training.hyperparameters.hyperparameter` fields.
      defaults: what ``--help`` says of a field's default, by its name.
      without: fields that have no option.
      prefix: of the options.
    """
    group = parser.add_argument_group(title)
    for name, hyperparameter in hyperparameters_of(cls).items():
        if name not in without:
            text = f"{hyperparameter.text} (default {defaults(name, hyperparameter)})".replace("%", "%%")
            group.add_argument(
                f"--{prefix}{name.replace('_', '-')}", type=hyperparameter.kind, metavar=hyperparameter.unit, help=text
            )


def given_hyperparameters(args: argparse.Namespace, cls: type, prefix: str = "") -> dict[str, Any]:
    """The hyperparameters that the arguments give, by name. Args: prefix: that of `add_hyperparameters`."""
    prefix = prefix.replace("-", "_")
    given = {name: getattr(args, f"{prefix}{name}", None) for name in hyperparameters_of(cls)}
    return {name: value for name, value in given.items() if value is not None}
