"""The deepest stack from a function on, over all calls, and what may be called where a register says whom."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path

from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE
from kws_firmware.stack.depths import Depths, depths_of
from kws_firmware.stack.listing import Function

INDIRECT_CALLS = FIRMWARE / "indirect_calls.toml"


@dataclasses.dataclass(frozen=True)
class Bound:
    """The deepest stack from a function on.

    Attributes:
      bytes: of stack.
      path: functions on the way there, outermost first, each with what it adds.
    """

    bytes: int
    path: tuple[tuple[str, int], ...]


def load_indirect_calls(path: Path = INDIRECT_CALLS) -> dict[str, list[str]]:
    """Who may be called by whom through a pointer: beginnings of names, by the beginning of the caller's.

    Raises:
      KwsError: the file cannot be read, or an entry gives no reason.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["call"]
        found = {}
        for entry in entries:
            if not entry["because"].strip():
                raise ValueError(f"{entry['in']} gives no reason")
            found[entry["in"]] = list(entry["to"])
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KwsError(f"{path} is no list of indirect calls: {error!r}") from error


class CallGraph:
    """The functions of an image and how deep their calls get."""

    def __init__(self, functions: Mapping[int, Function], indirect: Mapping[str, list[str]]) -> None:
        """Args: functions: by address. indirect: of `load_indirect_calls`."""
        self._functions = functions
        self._indirect = indirect
        self._bounds: dict[int, Bound] = {}
        self._on_the_way: list[int] = []

    def named(self, name: str) -> list[int]:
        """Addresses of the functions whose names begin so; clones of one function are several."""
        return [address for address, function in self._functions.items() if function.name.startswith(name)]

    def bound(self, address: int) -> Bound:
        """The deepest stack from a function on.

        Raises:
          KwsError: the functions call each other in a circle, one calls through a pointer that the list does not
            resolve, or a stack cannot be followed.
        """
        if address in self._on_the_way:
            circle = self._on_the_way[self._on_the_way.index(address) :]
            names = [self._functions[each].name if each in self._functions else f"{each:#x}" for each in circle]
            raise KwsError(f"the stack has no bound: {' calls '.join([*names, names[0]])}")
        if address not in self._bounds:
            self._on_the_way.append(address)
            self._bounds[address] = self._deepest(address)
            self._on_the_way.pop()
        return self._bounds[address]

    def _deepest(self, address: int) -> Bound:
        function = self._functions.get(address) or self._rest_of_a_function(address)
        own: Depths = depths_of(function)
        deepest = Bound(own.most, ((function.name, own.most),))
        for call in own.calls:
            for target in [call.target] if call.target is not None else self._pointed_to(function):
                below = self.bound(target)
                if call.depth + below.bytes > deepest.bytes:
                    deepest = Bound(call.depth + below.bytes, ((function.name, call.depth), *below.path))
        return deepest

    def _rest_of_a_function(self, address: int) -> Function:
        """Code that no symbol names: the C library's assembly jumps to places in front of a function's name."""
        for function in self._functions.values():
            for number, line in enumerate(function.lines):
                if line.address == address:
                    return Function(f"{function.name}+{address - function.start:#x}", function.lines[number:])
        raise KwsError(f"something calls {address:#x}, where there is no code")

    def _pointed_to(self, function: Function) -> list[int]:
        for caller, callees in self._indirect.items():
            if function.name.startswith(caller):
                found = [address for name in callees for address in self.named(name)]
                if not found:
                    raise KwsError(
                        f"{INDIRECT_CALLS.name}: none of what {caller} calls is in the image. Renew its list."
                    )
                return found
        raise KwsError(
            f"{function.name} calls through a pointer: say whom in firmware/{INDIRECT_CALLS.name}, or do without it"
        )
