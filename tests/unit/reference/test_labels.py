"""Label sets: which rows are keywords, unknown words and silence, in any order."""

import json

import pytest
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.labels import Kind, LabelSet

from tests.support.models import matchbox


def test_label_set_of_any_order_knows_its_rows_and_kinds():
    labels = LabelSet(("no", "_unknown_", "go", "_silence_"))
    assert labels == ("no", "_unknown_", "go", "_silence_") and json.dumps(labels) == json.dumps(list(labels))
    assert labels.kinds == (Kind.KEYWORD, Kind.UNKNOWN, Kind.KEYWORD, Kind.SILENCE)
    assert labels.keywords == ("no", "go") and labels.keyword_rows == (0, 2)
    assert labels.row("go") == 2 and labels.row("yes") is None
    assert labels.rows_of(LabelSet.of_words(["go", "yes"])) == (3, 1, 2, None)


def test_label_set_without_silence_or_unknown_words_has_keywords_alone():
    assert LabelSet(("a", "_unknown_")).keywords == ("a",)
    assert LabelSet(("a", "b")).rows_of(LabelSet.of_words("ab")) == (None, None, 0, 1)


@pytest.mark.parametrize("label", ["", " ", "a\nb", "a\x00", "\ud800", "a\u2028b", "x" * 201])
def test_bundle_with_a_label_that_is_no_line_of_text_is_refused(tmp_path, label):
    path = matchbox(3).write(tmp_path).path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": [label, "b", "c", "d"]}))
    with pytest.raises(KwsError, match="a label must"):
        Bundle.load(tmp_path)
