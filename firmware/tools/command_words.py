"""For the build scripts: words of command lines that reach the compiler as they are, whatever folder names they hold.

SCons joins a command's words and hands the line to a shell. On its own it quotes only words with spaces, and files that
it knows as such: a bracket, an apostrophe or an ampersand in the name of a folder becomes the shell's.
"""

import shlex

import SCons.Defaults
from SCons.Subst import CmdStringHolder


def word(text: str) -> CmdStringHolder:
    """One word for a list of flags; SCons neither splits it nor expands `$` in it, and quotes it for the shell."""
    return CmdStringHolder(text, literal=True)


def _concat(*arguments: object, **options: object) -> object:
    """SCons's `_concat`, which makes -I and -L of folders; each a word of its own. `$(` and `$)` are marks of SCons."""
    words = SCons.Defaults._concat(*arguments, **options)
    if not words:
        return words
    return [word(item) if isinstance(item, str) and item not in ("$(", "$)") else item for item in words]


def quote_paths(env: object) -> None:
    """Lets an environment quote every folder and file that it names on a command line."""
    env.Replace(ESCAPE=shlex.quote, _concat=_concat)
