"""Worker processes from wherever the kit is called: none runs the caller's script again."""

import subprocess
import sys
import zipapp

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_reference.system import workers
from kws_training.evaluate.accuracy import int8_streaming

from tests.support.clip_files import word, write_wav
from tests.support.models import matchbox

CALLS = """
import sys
print("script runs")
from pathlib import Path
{calls}
"""
EVALUATE = """
from kws_training import cli
status = cli.main(["evaluate", {bundle!r}, "--test", {clips!r}, "--set-name", "x", "--out", {out!r}])
"""
REFERENCE = """
from kws_host import clips, reference_run
from kws_reference.bundle import Bundle
bundle = Bundle.load({bundle!r})
audio = [clip.read(bundle) for clip in clips.find([Path({clips!r})], bundle)]
results, _ = reference_run.run(bundle, audio, jobs=2)
status = 0 if len(results) == len(audio) else 1
"""
RENDER = """
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.load_clips import load_clips
clips = load_clips(ClipSpec(folders=(FolderSpec(Path({clips!r})),), words=("label2",)))
with EpochRenderer(clips, 1, AugmentConfig(), workers=2, last_epoch=0) as renderer:
    status = 0 if len(renderer.epoch(0)[1]) else 1
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    matchbox().write(folder / "bundle")
    manifest = folder / "bundle" / "model.json"
    manifest.write_text(manifest.read_text().replace("label0", "_silence_").replace("label1", "_unknown_"))
    for name in ("label2", "label3", "_unknown_", "_silence_"):
        (folder / "clips" / name).mkdir(parents=True)
        write_wav(folder / "clips" / name / "a_nohash_0.wav", word())
    return {"bundle": str(folder / "bundle"), "clips": str(folder / "clips"), "out": str(folder / "out")}


def script(calls, places):
    return CALLS.format(calls=calls.format(**places)) + "\nprint('status', status)\n"


WAYS = [(calls, way) for calls in (EVALUATE, REFERENCE, RENDER) for way in ("file", "zipapp")]
WAYS += [(REFERENCE, way) for way in ("stdin", "-c", "-m")]  # which are the same for all


@pytest.mark.slow
@pytest.mark.parametrize("calls, way", WAYS, ids=lambda value: value if len(value) < 9 else value.split()[1])
def test_script_without_a_main_guard_runs_once(places, tmp_path, calls, way):
    text = script(calls, places)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text(text)
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz")
    command = {
        "file": [str(tmp_path / "app" / "__main__.py")],
        "stdin": ["-"],
        "-c": ["-c", text],
        "-m": ["-m", "app"],
        "zipapp": [str(tmp_path / "app.pyz")],
    }[way]
    result = subprocess.run(
        [sys.executable, *command],
        input=text if way == "stdin" else "",
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("script runs") == 1 and "status 0" in result.stdout, result.stdout + result.stderr


def test_worker_that_dies_is_one_line():
    with pytest.raises(KwsError, match="one of 2 worker processes ended"), workers.pool(2, dict) as pool:
        list(pool.map(__import__("os")._exit, [1]))


def test_refusal_of_a_worker_is_the_pools_refusal(tmp_path, capfd):
    """A model that the interpreter does not take is first met in a worker: lack of memory would be wrong advice."""
    builder = matchbox()
    bundle = builder.write(tmp_path, model=builder.write(tmp_path / "good").model[:9000])
    with pytest.raises(KwsError, match="the model is damaged"):
        int8_streaming(bundle, np.zeros((4, 98, 8), np.int8), np.zeros(4, np.int64))
    assert "Traceback" not in capfd.readouterr().err
