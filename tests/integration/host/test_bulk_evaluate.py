"""`kws-host evaluate` with the whole firmware as a program of this machine."""

import json
import subprocess
from pathlib import Path

import pytest
from kws_host import bulk, bulk_run
from kws_host.emulator import qemu

from tests.support import host_cli


@pytest.fixture
def native_device(program, monkeypatch):
    """Runs the native firmware where `evaluate` would start emulators."""

    def run_once(board, bundle, audio, emulators):
        folder = Path(native_folder.name) / str(len(list(Path(native_folder.name).iterdir())))
        folder.mkdir()
        (folder / "in.bin").write_bytes(bulk.encode_input(audio))
        subprocess.run([program, "--command-line", "bulk in.bin out.bin"], cwd=folder, check=True, timeout=60)
        return bulk.decode_output((folder / "out.bin").read_bytes(), bundle, len(audio))

    import tempfile

    with tempfile.TemporaryDirectory() as name:
        native_folder = type("Folder", (), {"name": name})
        monkeypatch.setattr(bulk_run, "run_once", run_once)
        monkeypatch.setattr(qemu, "command_line", lambda config: [])
        yield


def test_evaluate_agrees_clip_by_clip_and_caches_the_reference(capsys, native_device, audio, tmp_path):
    words = ["evaluate", audio, "--elf", "native", "--jobs", "1", "--cache", tmp_path, "--json", tmp_path / "a.json"]
    status, out, _ = host_cli.run(capsys, *words)
    assert status == 0
    assert "4 of 4 clips agree with Python in every feature frame, score and detection of 196 steps" in out
    first = json.loads((tmp_path / "a.json").read_text())
    assert first["accuracy_on_device"] == first["accuracy_in_python"] and not first["reference_cached"]
    host_cli.run(capsys, *words)
    second = json.loads((tmp_path / "a.json").read_text())
    assert second["reference_cached"] and second["confusion"] == first["confusion"]
    (cache,) = tmp_path.glob("reference-*.npz")
    cache.write_bytes(cache.read_bytes()[:100])
    status, _, err = host_cli.run(capsys, *words)
    assert status == 0 and "computed anew" in err


def test_evaluate_names_every_clip_that_differs(capsys, native_device, audio, tmp_path, monkeypatch):
    right = bulk_run.run_once

    def wrong(*arguments):
        results = right(*arguments)
        results[1].scores[7, 3] ^= 1
        return results

    monkeypatch.setattr(bulk_run, "run_once", wrong)
    status, out, _ = host_cli.run(capsys, "evaluate", audio, "--elf", "native", "--jobs", "1", "--no-cache")
    assert status == 1
    assert "DIFFERS clip left/word.wav, step 7, stage scores" in out
    assert "3 of 4 clips agree" in out


def test_evaluate_speech_lists_what_the_device_detects_and_how_often_in_an_hour(capsys, native_device, audio, tmp_path):
    words = ["evaluate", audio, "--speech", "--elf", "native", "--jobs", "1", "--no-cache"]
    status, out, _ = host_cli.run(capsys, *words, "--json", tmp_path / "a.json")
    assert status == 0 and "5 of 5 clips agree" in out and "most often heard instead" not in out
    result = json.loads((tmp_path / "a.json").read_text())
    assert result["labelled"] == 0
    speech = result["speech"]
    assert speech["detections"] == len(speech["detected"]) > 0
    assert " in 0.00 hours, " in out and speech["detected"][0]["recording"] in out
    assert speech["per_hour"] == pytest.approx(speech["detections"] / speech["hours"])
    assert sum(one["detections"] for one in speech["labels"].values()) == speech["detections"]
