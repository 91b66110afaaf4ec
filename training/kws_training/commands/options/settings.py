"""An option for every number of a settings class, with the help that its field carries."""

import argparse
from collections.abc import Callable, Collection
from typing import Any

from kws_training.settings import Setting, settings_of


def add_settings(
    parser: argparse.ArgumentParser,
    title: str,
    cls: type,
    defaults: Callable[[str, Setting], str],
    *,
    without: Collection[str] = (),
) -> None:
    """Adds a group of options, none of which is given by itself: `given_settings` returns those that were.

    Args:
      parser: of a subcommand.
      title: of the group.
      cls: a dataclass of `kws_training.settings.setting` fields.
      defaults: what ``--help`` says of a field's default, by its name.
      without: fields that have no option.
    """
    group = parser.add_argument_group(title)
    for name, setting in settings_of(cls).items():
        if name not in without:
            text = f"{setting.text} (default {defaults(name, setting)})".replace("%", "%%")
            group.add_argument(f"--{name.replace('_', '-')}", type=setting.kind, metavar=setting.unit, help=text)


def given_settings(args: argparse.Namespace, cls: type) -> dict[str, Any]:
    """The fields of a settings class that the arguments give, by name."""
    given = {name: getattr(args, name, None) for name in settings_of(cls)}
    return {name: value for name, value in given.items() if value is not None}
