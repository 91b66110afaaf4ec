"""How deep a function has its stack where it calls: the stack pointer, followed along all ways through the function."""

import dataclasses
import re
from collections.abc import Iterator

from kws_reference.errors import KwsError

from kws_firmware.stack.listing import Function, Line

_CONDITION = "(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo)"
_BRANCH = re.compile(rf"b({_CONDITION})?|cbn?z|le|letp|wls|wlstp\.\d+")
_ENDS = re.compile(r"b|bx|udf|tbb|tbh")
_TARGET = re.compile(r"\b([0-9a-f]+) <")
_READS_SP = re.compile(r"(cmp|cmn|tst|str|v?stm|v?ldm).*")  # what may have it in front without writing it


@dataclasses.dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
      depth: bytes of stack that the caller has in use there.
      target: address of the function; None where it stands in a register.
    """

    depth: int
    target: int | None


@dataclasses.dataclass(frozen=True)
class Depths:
    """What a function does with the stack.

    Attributes:
      most: bytes that it has in use itself at most.
      calls: all of its calls.
    """

    most: int
    calls: tuple[Call, ...]


def registers_in(text: str) -> int:
    """Words in braces, ``{r4, r5, lr}`` or ``{d8-d11}``."""
    inside = re.search(r"\{(.*)\}", text)
    words = 0
    for part in inside[1].split(",") if inside else ():
        first, _, last = part.strip().partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        words += count * (2 if first[0] == "d" else 1)
    return words


def change(line: Line) -> int:
    """Bytes by which an instruction lowers the stack pointer; negative: raises it.

    Raises:
      KwsError: it writes the stack pointer in a way that cannot be followed.
    """
    name, operands = line.name, line.operands
    listed = re.fullmatch(rf"v?(push|pop|stmdb|ldmia){_CONDITION}?", name)
    if listed is not None and (listed[1] in ("push", "pop") or operands.startswith("sp!")):
        return 4 * registers_in(operands) * (1 if listed[1] in ("push", "stmdb") else -1)
    moved = re.fullmatch(r"sp, (?:sp, )?#(\d+)", operands)
    if moved is not None and re.fullmatch(rf"(add|sub)w?{_CONDITION}?", name):
        return int(moved[1]) * (1 if name.startswith("sub") else -1)
    pushed = re.search(r"\[sp, #(-?\d+)\]!", operands) or re.search(r"\[sp\], #(-?\d+)", operands)
    if pushed is not None:
        return -int(pushed[1])
    if re.match(r"sp\b", operands) and not _READS_SP.fullmatch(name):
        raise KwsError(
            f"the stack cannot be followed where {name} {operands} writes the stack pointer, at {line.address:#x}"
        )
    return 0


def _returns(line: Line) -> bool:
    return (line.name.startswith("bx") and line.operands == "lr") or (
        re.match(r"pop|ldm|ldr", line.name) is not None
        and re.search(r"\bpc\b", line.operands.split("[")[0]) is not None
    )


def _is_conditional(name: str) -> bool:
    return (
        re.fullmatch(rf"(b|bx|v?push|v?pop|v?stmdb|v?ldmia|ldr|str|ldrd|strd|addw?|subw?){_CONDITION}", name)
        is not None
    )


def depths_of(function: Function) -> Depths:
    """Follows a function's stack.

    Code that is reached by a table (TBB, TBH) alone is taken to begin as deep as the table's instruction is.

    Raises:
      KwsError: it writes the stack pointer in a way that cannot be followed, or gets deeper each time around a loop.
    """
    index = {line.address: number for number, line in enumerate(function.lines)}
    seen: dict[int, int] = {}
    calls: list[Call] = []
    most, tables = 0, list[int]()

    def walk(number: int, depth: int) -> None:
        nonlocal most
        waiting = [(number, depth)]
        while waiting:
            number, depth = waiting.pop()
            if number >= len(function.lines) or seen.get(number, -1) >= depth:
                continue
            seen[number] = depth
            line = function.lines[number]
            after = depth + change(line)
            most = max(most, depth, after)
            if after > 1 << 20:
                raise KwsError(f"{function.name} gets deeper each time around a loop, at {line.address:#x}")
            for call in _calls(line, depth, index):
                calls.append(call)
            if line.name in ("tbb", "tbh"):
                tables.append(depth)
            target = _TARGET.search(line.operands) if _BRANCH.fullmatch(line.name) else None
            if target is not None and int(target[1], 16) in index:
                waiting.append((index[int(target[1], 16)], after))
            if not (_ENDS.fullmatch(line.name) or (_returns(line) and not _is_conditional(line.name))):
                waiting.append((number + 1, max(depth, after) if _is_conditional(line.name) else after))

    walk(0, 0)
    for number in range(len(function.lines)) if tables else ():
        if number not in seen:
            walk(number, max(tables))
    return Depths(most, tuple(calls))


def _calls(line: Line, depth: int, inside: dict[int, int]) -> Iterator[Call]:
    """Calls of one instruction, those at the function's end (tail calls) included."""
    target = _TARGET.search(line.operands)
    if line.name == "bl" or (target is None and re.fullmatch(rf"blx{_CONDITION}?", line.name)):
        yield Call(depth, int(target[1], 16) if target else None)
    elif re.fullmatch(rf"bx{_CONDITION}?", line.name) and line.operands != "lr":
        yield Call(depth, None)
    elif target is not None and _BRANCH.fullmatch(line.name) and int(target[1], 16) not in inside:
        yield Call(depth, int(target[1], 16))
