"""Results as files."""

import json

import pytest
from kws_host import report
from kws_reference.errors import KwsError


def test_write_json_that_fails_leaves_the_earlier_report(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    report.write_json(str(target), {"run": 1})
    (tmp_path / "link.json").symlink_to(target)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report.os, "replace", full)
        with pytest.raises(KwsError, match="No space left"):
            report.write_json(str(target), {"run": 2})
    assert json.loads(target.read_text()) == {"run": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "report.json"]
    report.write_json(str(tmp_path / "link.json"), {"run": 3})
    assert json.loads(target.read_text()) == {"run": 3} and (tmp_path / "link.json").is_symlink()
