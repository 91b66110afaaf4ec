"""The bound of a stack, on disassemblies as objdump writes them."""

import pytest
from kws_firmware.boards import load_boards
from kws_firmware.stack import bound, depths, listing
from kws_firmware.stack.bound import CallGraph
from kws_firmware.stack.image import exception_frame
from kws_reference.errors import KwsError


def graph(text: str, **indirect: list[str]) -> CallGraph:
    """Of a disassembly whose instructions are written as ``push {r4, lr}``; each takes 2 bytes."""
    lines, at = [], 0
    for line in text.strip().splitlines():
        if line.strip().endswith(":"):
            lines.append(f"{at:08x} <{line.strip()[:-1]}>:")
        else:
            name, _, operands = line.strip().partition(" ")
            lines.append(f"    {at:x}:\t{name}\t{operands}")
            at += 2
    return CallGraph(listing.read(lines), indirect)


def deepest(text: str, name: str = "f", **indirect: list[str]) -> int:
    found = graph(text, **indirect)
    return found.bound(found.named(name)[0]).bytes


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("push {r4, r5, lr}\nsub sp, #332 @ 0x14c\nadd sp, #332\npop {r4, r5, pc}", 344),
        ("stmdb sp!, {r4, r5, r6, lr}\nvpush {d8-d11}\nvpop {d8-d11}\nldmia.w sp!, {r4, r5, r6, pc}", 48),
        ("sub.w sp, sp, #1024\nadd.w sp, sp, #1024\nbx lr", 1024),
        ("str.w lr, [sp, #-4]!\nldr.w pc, [sp], #4", 4),
        ("strd r4, r5, [sp, #-16]!\nldrd r4, r5, [sp], #16\nbx lr", 16),
        ("vldmia sp, {d0-d3}\ncmp sp, r3\nstr r0, [sp, #8]\nadd r0, sp, #8\nbx lr", 0),
        # a way that pushes, and one around it
        ("cbz r0, 6 <f+0x6>\npush {r4, lr}\npop {r4, lr}\nsub sp, #4\nadd sp, #4\nbx lr", 8),
        # behind a conditional return
        ("push {r4, lr}\npopne {r4, pc}\nsub sp, #8\nadd sp, #8\npop {r4, pc}", 16),
        # pushed under a condition
        ("pushne {r4, r5}\nsub sp, #4\nadd sp, #4\nbx lr", 12),
        # a loop with Armv8.1-M's instructions
        ("dls lr, r3\npush {r4}\npop {r4}\nle lr, 2 <f+0x2>\nsub sp, #12\nadd sp, #12\nbx lr", 12),
        # reached by the table alone
        ("push {r4, lr}\ntbb [pc, r0]\nsub sp, #20\nadd sp, #20\npop {r4, pc}", 28),
    ],
)
def test_bound_of_one_function_is_its_deepest_way(body, wanted):
    assert deepest(f"f:\n{body}") == wanted


def test_bound_adds_what_is_called_where_it_is_called():
    calls = "f:\npush {r4, lr}\nbl 8 <g>\nsub sp, #40\nadd sp, #40\npop {r4, pc}\n"
    text = calls.replace("8 <g>", "a <g>") + "g:\npush {r4, r5, r6, lr}\npop {r4, r5, r6, pc}"
    assert deepest(text) == 48
    assert deepest(text.replace("#40", "#4")) == 8 + 16


def test_bound_of_a_tail_call_begins_where_the_caller_s_frame_has_gone():
    assert deepest("f:\npush {r4, lr}\npop {r4, lr}\nb 6 <g>\ng:\nsub sp, #100\nadd sp, #100\nbx lr") == 100


def test_bound_of_a_jump_in_front_of_a_function_s_name_goes_on_there():
    """As newlib's strcmp does."""
    assert deepest("e:\nbx lr\nsub sp, #60\nadd sp, #60\nbx lr\nf:\nbeq 2 <e+0x2>\nbx lr") == 60


@pytest.mark.parametrize("text", ["f:\npush {lr}\nbl 0 <f>\npop {pc}", "f:\nbl 4 <g>\nbx lr\ng:\nbl 0 <f>\nbx lr"])
def test_bound_of_recursion_is_refused_with_the_circle(text):
    with pytest.raises(KwsError, match="no bound: f calls (g calls )?f"):
        deepest(text)


@pytest.mark.parametrize("write", ["sub sp, sp, r3", "mov sp, r7", "bic.w sp, sp, #7"])
def test_bound_of_a_stack_that_cannot_be_followed_is_refused(write):
    with pytest.raises(KwsError, match=r"cannot be followed where .* at 0x0"):
        deepest(f"f:\n{write}\nbx lr")


def test_bound_of_a_loop_that_pushes_is_refused():
    with pytest.raises(KwsError, match="f gets deeper each time around a loop"):
        deepest("f:\npush {r4}\nb 0 <f>")


@pytest.mark.parametrize("call", ["blx r3", "bx r3"])
def test_bound_of_a_call_through_a_pointer_is_the_list_s_deepest(call):
    text = f"f:\npush {{r4, lr}}\n{call}\npop {{r4, pc}}\nsmall:\nsub sp, #4\nbx lr\nlarge:\nsub sp, #64\nbx lr"
    assert deepest(text, f=["small", "large"]) == 8 + 64
    with pytest.raises(KwsError, match="f calls through a pointer: say whom"):
        deepest(text)
    with pytest.raises(KwsError, match="none of what f calls is in the image"):
        deepest(text, f=["gone"])


def test_indirect_calls_each_have_a_reason(tmp_path):
    assert all(bound.load_indirect_calls().values())
    path = tmp_path / "calls.toml"
    path.write_text('[[call]]\nin = "f"\nto = ["g"]\nbecause = " "\n')
    with pytest.raises(KwsError, match="f gives no reason"):
        bound.load_indirect_calls(path)


def test_exception_frame_counts_the_floating_point_registers_where_there_are_some():
    import dataclasses

    board = load_boards()["mps2_an386"]
    assert exception_frame(board) == 108
    assert exception_frame(dataclasses.replace(board, arch_flags=("-mcpu=cortex-m3", "-mthumb"))) == 36


def test_depths_calls_say_how_deep_the_caller_is():
    found = listing.read(["00000000 <f>:", "   0:\tpush\t{r4, lr}", "   2:\tbl\t100 <g>", "   6:\tpop\t{r4, pc}"])
    assert depths.depths_of(found[0]).calls == (depths.Call(8, 0x100),)
