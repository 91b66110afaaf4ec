"""What follows from the protocol's table is current, and a change of the table shows in all of it."""

import dataclasses
from typing import Annotated

import pytest
from kws_codegen.protocol import __main__ as command
from kws_codegen.protocol import cpp, javascript, page
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.wire import U8, U32, Message

from tests.support.paths import ROOT
from tests.tools.make_link_vectors import LAYOUTS


def test_protocol_files_are_what_the_table_gives(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert command.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", [*cpp.OUTPUTS, javascript.OUTPUT, "host/PROTOCOL.md"])
def test_protocol_check_of_a_changed_file_names_it_and_overwrite_mends_it(name, tmp_path, monkeypatch, capsys):
    for path in (*cpp.OUTPUTS, javascript.OUTPUT, "host/PROTOCOL.md", ".clang-format"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    monkeypatch.chdir(tmp_path)
    changed = tmp_path / name
    before = changed.read_text()
    edits = {"md": ("| 0x01 |", "| 0x02 |"), "js": ("GET_INFO: 0x01,", "GET_INFO: 0x02,")}
    true, false = edits.get(name.rpartition(".")[2], ("namespace kws {", "namespace other {"))
    assert true in before
    changed.write_text(before.replace(true, false, 1))
    assert command.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith(f"{name} is not what")
    assert command.main(["--overwrite"]) == 0 and changed.read_text() == before
    assert command.main(["--check"]) == 0


def test_protocol_elsewhere_is_one_line_and_exit_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(["--check"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_javascript_has_every_message_type_and_field_of_the_table():
    text = javascript.text()
    ours = [kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "TYPE")]
    for kind in ours:
        block = text.split(f"  {kind.TYPE.name}: {{\n")[1].split("  },\n")[0]
        names = [line.split('"')[1] for line in block.splitlines() if "{ name:" in line]
        assert names == [javascript.camel(field.name) for field in dataclasses.fields(kind)], kind
    assert all(f"  {kind.name}: 0x{kind.value:02x}," in text for kind in messages.MessageType)


def test_page_unknown_mark_is_refused():
    with pytest.raises(KwsError, match="marks a table 'STEPS'"):
        page.update("<!-- table: STEPS -->\n<!-- end -->")


def test_page_shows_every_table_and_leaves_the_prose_alone():
    text = (ROOT / "host/PROTOCOL.md").read_text()
    assert text.count("<!-- table: ") == text.count("<!-- end -->")
    for message in (messages.Info, messages.StepRecord, messages.Stats, messages.Bench, messages.Names, messages.Fault):
        assert f"<!-- table: {message.TYPE.name} -->" in text
    assert page.update(text) == text
    assert page.update("prose\n") == "prose\n"


def test_every_message_of_the_device_has_its_writer_and_its_vectors():
    ours = {kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "TYPE")}
    device = {kind for kind in ours if kind.TYPE >= 0x80} - {messages.ResetDone}  # which is written as CREDIT
    written = [*cpp.STRUCTS, *cpp.CALLS, *cpp.INLINE_CALLS]
    assert len(written) == len(set(written)) and set(written) == device
    keys = {messages.Restart, messages.TestFault}  # compared in place
    assert set(cpp.REQUESTS) == {kind for kind in ours if kind.TYPE < 0x80} - keys
    vectors = {kind for kind, _ in LAYOUTS.values()}
    assert {kind.TYPE for kind in device - set(cpp.INLINE_CALLS)} <= vectors <= {kind.TYPE for kind in device}


@dataclasses.dataclass(frozen=True)
class Longer(messages.DetectionRecord):
    """DETECTION: with two fields more."""

    weight: Annotated[U8, "of the word"] = 0
    since: U32 = 0


def test_field_that_is_appended_shows_in_struct_writer_and_codec(monkeypatch):
    structs = [Longer if message is messages.DetectionRecord else message for message in cpp.STRUCTS]
    monkeypatch.setattr(cpp, "STRUCTS", structs)
    files = cpp.files(ROOT / ".clang-format")
    assert "  uint8_t weight;  // of the word\n  uint32_t since;\n" in files["firmware/include/kws/messages.h"]
    writer = files["firmware/src/link/messages.cc"]
    assert "  out.U8(message.weight);\n  out.U32(message.since);\n" in writer
    assert Longer(1, 2, 3, 4, 5).encode() == messages.DetectionRecord(1, 2, 3).encode() + bytes([4, 5, 0, 0, 0])
    assert messages.DetectionRecord.decode(Longer(1, 2, 3, 4, 5).encode()) == messages.DetectionRecord(1, 2, 3)


def test_message_with_a_field_of_no_kind_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Bare(Message):
        number: Annotated[int, "no kind"]

    with pytest.raises(TypeError, match="number: .* no kind"):
        Bare(1).encode()
