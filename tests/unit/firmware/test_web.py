"""The page's folder: what is refused, what goes in, colours that can be read. tests/integration/web opens the page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from kws_firmware import web
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

STYLE = (web.PAGE / "style.css").read_text(encoding="utf-8")


def ends_with_2(capsys, *arguments) -> str:
    assert web.main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


def test_web_into_a_folder_that_is_no_page_leaves_it_alone(tmp_path, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "index.json").write_text('{"models": []}')
    assert "holds something that is no page" in ends_with_2(capsys, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_web_without_a_compiler_says_how_to_get_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KWS_WASM_CXX", "no-such-clang")
    said = ends_with_2(capsys, "--out", tmp_path / "page")
    assert "Received: no-such-clang" in said and ".ci/system_packages.sh web" in said
    assert list(tmp_path.iterdir()) == []


def test_web_with_a_compiler_that_lacks_the_library_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("KWS_WASM_CXX", "false")
    assert "no C++ library for wasm32-wasi" in ends_with_2(capsys, "--out", tmp_path / "page")


def test_web_of_no_bundle_says_what_a_bundle_is(tmp_path, capsys):
    assert "model.tflite" in ends_with_2(capsys, "--out", tmp_path / "page", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_web_into_the_page_of_before_replaces_it(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "generate", lambda bundle, out: None)
    monkeypatch.setattr(web, "compile_module", lambda generated, out: out.write_bytes(b"module"))
    for bundles in ([*web.RELEASED], [web.RELEASED[1]]):
        web.build(bundles, tmp_path / "page")
    assert len(list(tmp_path.glob("page/models/*.wasm"))) == 1
    assert (tmp_path / "page" / "index.html").is_file() and [path.name for path in tmp_path.iterdir()] == ["page"]


def test_web_whose_last_rename_fails_leaves_the_page_of_before(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "generate", lambda bundle, out: None)
    monkeypatch.setattr(web, "compile_module", lambda generated, out: out.write_bytes(b"module"))
    web.build([web.RELEASED[0]], tmp_path / "page")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    rename = Path.rename

    def failing(path, target):
        if path.name == "page" and path.parent != tmp_path:  # the new one
            raise OSError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(KwsError, match="Permission denied"):
        web.build([web.RELEASED[1]], tmp_path / "page")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_facts_are_those_of_the_bundle_and_fit_into_json():
    bundle = Bundle.load(web.RELEASED[0])
    facts = json.loads(json.dumps(web.facts(bundle)))
    assert facts["labels"] == list(bundle.labels) and facts["model_sha256"] == bundle.model_sha256
    assert facts["feature_count"] * facts["frames_per_step"] == np.prod(bundle.features.shape)
    assert facts["thresholds_q15"] == list(bundle.detector.threshold_q15)


@pytest.mark.parametrize(
    ("labels", "seconds"), [(["_silence_", "_unknown_", "yes", "go"], 3), (["go"], 1), (["lights"], 0), ([], 0)]
)
def test_demo_has_the_words_that_the_models_know(labels, seconds):
    assert len(web.demo_pcm([{"labels": labels}])) == seconds * 16000


def test_page_names_no_address_but_its_own_and_no_absolute_path():
    for path in sorted(web.PAGE.rglob("*.*")):
        text = (
            path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "").replace("http://localhost", "")
        )
        assert not re.search(r"(https?:|wss?:|src=|href=|from |import\(|fetch\()\s*[\"'`]?/", text), path


def colours(dark: bool) -> dict[str, str]:
    light, other = STYLE.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", other.split("\n}\n")[0])) if dark else found


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_texts_have_the_contrast_that_wcag_asks_for(dark):
    found = colours(dark)
    pairs = [(text, back) for text in ("text", "muted", "accent", "mark", "good", "bad") for back in ("card", "back")]
    for text, back in [*pairs, ("on-accent", "accent")]:
        low, high = sorted((luminance(found[text]), luminance(found[back])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, back)
