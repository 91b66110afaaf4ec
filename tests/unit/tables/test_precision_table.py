"""The tables of precisions equal what the committed results say, and the results are of the committed models."""

import hashlib
import json

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_training.tables import precisions


def write(zoo, seed, precision, kinds, correct):
    split = {kind: {"accuracy": value / 200, "correct": value} for kind, value in zip(kinds, correct, strict=True)}
    folder = zoo / "kit-12" / seed / precision
    folder.mkdir(parents=True)
    result = {"model_bytes": 1000, "validation": split, "test": split, "validation_clips": 200, "test_clips": 200}
    (folder / "evaluation.json").write_text(json.dumps(result))


def test_committed_results_are_of_the_committed_models():
    results = sorted(precisions.ZOO.glob("*/s*/*/evaluation.json"))
    assert len({path.parent.parent for path in results}) == 6, "three seeds for each of two sets"
    for path in results:
        folder, result = path.parent, json.loads(path.read_text())
        assert (result["set"], result["precision"]) == (folder.parent.parent.name, folder.name)
        if folder.name != precisions.FLOAT:
            data = (folder / "model.tflite").read_bytes()
            assert result["digest"] == hashlib.sha256(data).hexdigest() and result["model_bytes"] == len(data)
        if (folder / "model.json").exists():
            assert Bundle.load(folder).model_sha256 == result["digest"]


def test_bundles_were_calibrated_on_the_committed_list_of_clips():
    lists = json.loads((precisions.ZOO / "calibration_clips.json").read_text())
    bundles = sorted(precisions.ZOO.glob("*/s*/*/model.json"))
    assert bundles
    for path in bundles:
        record = json.loads(path.read_text())["provenance"]["calibration"]
        clips = lists[path.parents[2].name][path.parents[1].name]
        assert (
            list(clips.values())
            == np.sort(np.random.default_rng(record["seed"]).permutation(record["of"])[:200]).tolist()
        )
        assert hashlib.sha256("\n".join(clips).encode()).hexdigest() == record["names_sha256"]


def test_best_int8_and_int4_keep_their_distance_from_float():
    """Issue 4's bounds: streaming, mean over the seeds, test clips: int8 within 0.2 points of float batch, int4 0.7."""
    for name in precisions.SETS:
        floats = precisions.results(precisions.ZOO, name, precisions.FLOAT)

        def distance(precision, name=name, floats=floats):
            results = precisions.results(precisions.ZOO, name, precision)
            return sum(
                floats[seed]["test"]["float_batch"]["accuracy"] - result["test"]["streaming"]["accuracy"]
                for seed, result in results.items()
            ) / len(results)

        assert min(map(distance, ("ptq", "int8_fake", "int8_native"))) <= 0.002
        assert min(map(distance, ("int4_fake", "int4_native"))) <= 0.007


def test_table_states_mean_spread_and_distance(tmp_path):
    for seed, batch, int8 in (("s1", 190, 188), ("s2", 180, 182), ("s3", 185, 182)):
        write(tmp_path, seed, "float", ("float_batch", "float_streaming"), (batch, batch))
        write(tmp_path, seed, "int8_native", ("streaming",), (int8,))
    rows = {
        line.split("|")[1].strip(): line for line in precisions.render("kit-12", tmp_path).splitlines() if "|" in line
    }
    assert rows["float, whole clips"].split("|")[2:6] == [" 3 ", " 92.50 ± 2.50 ", " 92.50 ± 2.50 ", " 90.00 to 95.00 "]
    native = [cell.strip() for cell in rows["native QAT, int8"].split("|")[4:8]]
    assert native == ["92.00 ± 1.73", "91.00 to 94.00", "-0.50 (-1.50 to +1.00)", "1,000"]


def test_table_without_results_is_one_line(tmp_path):
    with pytest.raises(KwsError, match="no results"):
        precisions.render("kit-12", tmp_path)
