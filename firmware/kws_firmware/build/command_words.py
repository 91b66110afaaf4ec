"""Words of command lines that reach the compiler as they are, whatever folder names they hold; errors in one line.

SCons joins a command's words and hands the line to a shell. On its own it quotes only words with spaces, and files that
it knows as such: a bracket, an apostrophe or an ampersand in the name of a folder becomes the shell's.
"""

import shlex
import sys
from typing import Any

import SCons.Defaults
from SCons.Subst import CmdStringHolder


def word(text: str) -> CmdStringHolder:
    """One word for a list of flags; SCons neither splits it nor expands `$` in it, and quotes it for the shell."""
    return CmdStringHolder(text, literal=True)


def macro(name: str, value: str) -> CmdStringHolder:
    """The flag that defines a macro; a value with quotation marks is a C string."""
    return word(f"-D{name}={value}")


def fail(env: Any, message: str) -> None:
    """Ends the build with one clear line."""
    sys.stderr.write(f"error: {message}\n")
    env.Exit(1)


def _concat(*arguments: Any, **options: Any) -> Any:
    """SCons's `_concat`, which makes -I and -L of folders; each a word of its own. `$(` and `$)` are marks of SCons."""
    words = SCons.Defaults._concat(*arguments, **options)
    if not words:
        return words
    return [word(item) if isinstance(item, str) and item not in ("$(", "$)") else item for item in words]


def quote_paths(env: Any) -> None:
    """Lets an environment quote every folder and file that it names on a command line."""
    env.Replace(ESCAPE=shlex.quote, _concat=_concat)
