"""Pages made of other bundles than the released ones, and what a page weighs."""

import json

import numpy as np
import pytest
from kws_codegen.cli import main
from kws_firmware import sources, web
from kws_reference.errors import KwsError

from tests.support import models, web_page
from tests.support.chromium import page_of, serving

STEPS = """async ([pcm, name]) => {
    const {WasmPipeline} = await import("./devices/wasm_module.js");
    const index = await (await fetch("models/index.json")).json();
    const model = index.models.find((model) => model.name === name);
    const pipeline = await WasmPipeline.load(fetch(`models/${model.module}`), model);
    return pipeline.push(Int16Array.from(pcm)).map((step) => ({
        step: step.step, audio_crc: step.audioCrc, scores: [...step.scores], features: [...step.features],
        top_label: step.topLabel, top_smoothed_q15: step.topSmoothedQ15,
        detection: step.detection && {label: step.detection.label, smoothed_q15: step.detection.smoothedQ15},
    }));
}"""
GRAPHS = {
    "odd": models.odd_channels,  # no vector divides its channels
    "long": models.long_rows,
    "attention": models.attention,
    "memories": models.memories,
    "cmsis": models.needs_cmsis,
}


@pytest.fixture(autouse=True, scope="module")
def compiler():
    try:
        return web.compiler()
    except KwsError as error:
        pytest.skip(str(error))


def test_page_of_own_bundles_gives_every_integer_of_the_reference(browser, tmp_path):
    names = [name for name in GRAPHS if name != "cmsis" or (sources.cmsis_nn_folder()).is_dir()]
    bundles = {name: GRAPHS[name]().write(tmp_path / name, name=name) for name in names}
    bundles["micro"] = models.micro_bundle(tmp_path / "micro")
    web.build([tmp_path / name for name in bundles], tmp_path / "page")
    assert not (tmp_path / "page" / "models" / web.DEMO).exists()  # none of them knows a word of it
    pcm = np.random.default_rng(5).integers(-20000, 20000, 16000).astype(np.int16)
    pcm[:4000] //= 1000
    with serving(tmp_path / "page") as root, page_of(browser, root) as page:
        web_page.wait_ready(page)
        for name in bundles:
            expected = web_page.expected_steps(tmp_path / name, pcm)
            assert expected and page.evaluate(STEPS, [pcm.tolist(), name]) == expected, name
            web_page.choose_model(page, name)


def test_module_is_the_same_wherever_it_is_built(page_folder, tmp_path):
    """Its name holds its digest."""
    entries = web.build_models([web.RELEASED[1]], tmp_path / "elsewhere")
    assert (page_folder / "models" / entries[0]["module"]).is_file()


def test_codegen_web_makes_the_page_or_says_in_a_line_why_not(tmp_path, capfd):
    assert main(["web", str(web.RELEASED[1]), "--out", str(tmp_path / "page")]) == 0
    assert "The page is in" in capfd.readouterr().out
    (module,) = json.loads((tmp_path / "page" / "models" / web.INDEX).read_text(encoding="utf-8"))["models"]
    assert module["name"] == "matchbox_int4"
    assert main(["web", str(tmp_path / "none"), "--out", str(tmp_path / "other")]) == 2
    said = capfd.readouterr().err
    assert said.startswith("error: no bundle folder at ") and said.count("\n") == 1
    assert not (tmp_path / "other").exists()


def test_page_with_a_model_weighs_at_most_400_kilobytes(page_folder):
    files = [path for path in page_folder.rglob("*") if path.is_file()]
    modules = [path.stat().st_size for path in files if path.suffix == ".wasm"]
    rest = sum(path.stat().st_size for path in files if path.suffix != ".wasm")
    assert rest + max(modules) <= 400_000
