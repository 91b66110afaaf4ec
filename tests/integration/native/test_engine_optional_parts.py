"""Models that lack what most have, and names that no identifier can be: they build without warnings and are exact."""

import json
import subprocess

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_reference.bundle import write_bundle

from tests.support import engines, native
from tests.support.models import STEPS_PER_STD, GraphBuilder, matchbox


def start(frames=1):
    builder = GraphBuilder(9)
    return builder, builder.input("features", (1, frames, 1, 8), 1 / STEPS_PER_STD)


def only_reshape():
    b, x = start()
    b.scores(b.reshape("scores", x, (1, 8)))
    return b


def only_dense():
    b, x = start()
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 8)), 2, bias="absent"))
    return b


def only_convolution():
    b, x = start()
    b.scores(b.reshape("scores", b.conv("conv", x, 4, bias="optional"), (1, 4)))
    return b


def only_add():
    b, x = start()
    b.scores(b.reshape("scores", b.add("sum", x, x), (1, 8)))
    return b


def only_average():
    b, x = start(2)
    b.scores(b.reshape("scores", b.average("mean", x, 2), (1, 8)))
    return b


def unread_state():
    b, x = start()
    b.state("scratch", 1, x)  # also the name of one of the engine's buffers
    b.scores(b.reshape("scores", b.conv("conv", x, 4), (1, 4)))
    return b


def only_state():
    b, x = start()
    b.scores(b.reshape("scores", b.state("ready", 1, x), (1, 16)))
    return b


def only_ring():
    b, x = start()
    b.scores(b.reshape("scores", b.average("mean", b.state("profiler", 3, x), 4), (1, 8)))
    return b


MODELS = [
    only_reshape,
    only_dense,
    only_convolution,
    only_add,
    only_average,
    unread_state,
    only_state,
    only_ring,
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_engine_of_model_that_lacks_parts_equals_interpreter(model, tmp_path):
    bundle = model().write(tmp_path / "bundle", name=model.__name__)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), engines.random_features(bundle, 60))


LABELS = ['quote " and \\', "trigraph ??/", "percent %s %n", "日本 ✓", "class"]
STATES = ["a-b", "a_b", "3model", "日本", "class??/", "%s ?"]

PRINT_LABELS = """#include <cstdio>
#include "model_info.h"
int main() {
  for (const char* label : kws::model::kLabels) std::puts(label);
  std::puts(kws::model::kName);
  for (const auto& state : kws::model::kStates) std::puts(state.name);
}
"""


def test_generated_names_of_any_text_survive(tmp_path):
    builder = matchbox(labels=len(LABELS))
    x = builder.inputs[0]
    for number in range(2):  # as many states as names
        builder.state(f"more{number}", 1, x)
    builder.outputs.append(builder.outputs.pop(-3))  # the scores stay last
    for number, name in enumerate(STATES):
        builder.states[number]["name"] = name
    for state in builder.states[-2:]:
        state["output_index"] -= 1
    plain = builder.write(tmp_path / "plain", name='3 "models" ??/')
    manifest = json.loads((plain.path / "model.json").read_text())
    bundle = write_bundle(tmp_path / "bundle", plain.model, {**manifest, "labels": LABELS})
    program = engines.build(bundle, tmp_path / "generated")
    engines.run(program, bundle, engines.random_features(bundle, 3))

    (tmp_path / "labels.cc").write_text(PRINT_LABELS)
    printer = native.build(
        "labels", [tmp_path / "labels.cc", tmp_path / "generated/model_info.cc"], includes=[tmp_path / "generated"]
    )
    lines = subprocess.run([printer], capture_output=True, check=True).stdout.decode().splitlines()
    assert lines == [*LABELS, bundle.name, *STATES]


def test_generated_banner_of_any_name_is_one_comment(tmp_path):
    bundle = only_dense().write(tmp_path / "bundle", name="ends in a trigraph ??/")
    write_files(tmp_path / "generated", generate(bundle))
    for path in (tmp_path / "generated").iterdir():
        assert "??" not in path.read_text().splitlines()[0]
