"""The page's table of models equals what the committed results say."""

import json

import pytest
from kws_reference.errors import KwsError
from kws_training.tables import models


def timed(median_ms: float) -> dict:
    return {"median_ms": median_ms, "fastest_ms": median_ms, "runs": 100, "model_bytes": 1000}


@pytest.fixture
def results(tmp_path):
    """A folder of invented results: every model timed, one of them trained."""
    streaming = {
        "parameters": 73220,
        "batch": timed(0.231),
        "macs_per_step": 138480,
        "state_bytes": 13584,
        "step_ms": 20.0,
        "delay_ms": 540.0,
        "streaming_float": timed(0.0222),
        "streaming_int8": {"refused": "no"},
    }
    batch = {"parameters": 758407, "batch": timed(16.98), "batch_only": "reason", "macs_per_clip": 42468544}
    timings = {name: batch if name == "mhatt_rnn" else streaming for name in models.MODELS}
    host = {"cpu": "CPU", "cores": 2, "load": 0.1, "load_after": 1.0, "runtime": "runtime 1", "threads": 1}
    (tmp_path / "benchmark.json").write_text(json.dumps({**host, "models": timings}))
    write(tmp_path, "one", {"architecture": "matchbox", "float_batch": {"accuracy": 0.9514}})
    return tmp_path


def write(folder, name, result):
    (folder / name).mkdir()
    (folder / name / "evaluation_kit-12.json").write_text(json.dumps(result))


def test_table_of_results_states_each_figure(results):
    rows = {line.split("|")[1].strip(): line for line in models.render(results).splitlines() if line.startswith("|")}
    assert rows["Matchbox, causal (`matchbox`)"].endswith(
        "| 0.23 ms | 0.022 / - ms, 540 ms late | not trained | 95.1 % | 73,220 | 138,480 | 13,584 B |"
    )
    assert rows["MHAtt-RNN (`mhatt_rnn`)"].endswith(
        "| 16.98 ms | does not stream | not trained | not trained | 758,407 | (42,468,544 a clip) | - |"
    )


def test_table_quotes_the_published_rows_as_quoted(results):
    quoted = [line for line in models.render(results).splitlines() if "*quoted:*" in line]
    assert len(quoted) == 3
    for line, figures in zip(quoted, (("98.4", "13 ms"), ("98.0", "3.0 ms"), ("97.4", "0.2 ms")), strict=True):
        assert all(figure in line for figure in figures)


def test_table_with_int8_results_states_both(results):
    kinds = {kind: {"accuracy": value} for kind, value in (("float_streaming", 0.95), ("int8_streaming", 0.949))}
    write(results, "two", {"architecture": "mixednet", **kinds})
    assert "95.0 / 94.9 %" in models.render(results)


def test_table_with_a_damaged_result_names_the_file(results):
    (results / "one" / "evaluation_kit-12.json").write_text("{")
    with pytest.raises(KwsError, match="cannot read .*evaluation_kit-12.json"):
        models.render(results)


def test_table_with_two_results_for_one_place_names_both(results):
    write(results, "two", {"architecture": "matchbox", "float_batch": {"accuracy": 0.9}})
    with pytest.raises(KwsError, match="both of matchbox on kit-12"):
        models.render(results)


def test_table_without_a_model_in_the_benchmark_names_it(results):
    benchmark = json.loads((results / "benchmark.json").read_text())
    del benchmark["models"]["mixednet"]
    (results / "benchmark.json").write_text(json.dumps(benchmark))
    with pytest.raises(KwsError, match="has no mixednet"):
        models.render(results)


def test_table_names_every_registered_model():
    pytest.importorskip("keras", reason="Keras is not installed (pip install .[training])")
    from kws_training.models import ARCHITECTURES

    assert set(models.MODELS) == set(ARCHITECTURES) - {"matchbox_teacher"}  # only teaches
