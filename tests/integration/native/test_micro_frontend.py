"""The micro front end's C++ against its integer reference, which `tests/unit/reference` compares with the library."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate as generate_code
from kws_reference.frontend.micro import Micro
from kws_reference.frontend.micro_tables import ram_bytes

from tests.support import native
from tests.support.frontend_native import (
    DEFAULT_DETECTOR,
    MICRO_CONFIG,
    OTHER_MICRO_CONFIGS,
    SOURCES,
    SPEECH_CONFIG,
    NativeStages,
    generate,
    sanitized_frames,
)
from tests.support.models import micro_bundle
from tests.support.signals import hostile, micro_hostile, speech_like

HOSTILE = {**hostile(), **micro_hostile(), "speech": speech_like(2.0)}
CONFIGS = {"default": MICRO_CONFIG, **OTHER_MICRO_CONFIGS}


@pytest.fixture(scope="module")
def stages() -> NativeStages:
    return NativeStages.build(MICRO_CONFIG)


@pytest.mark.parametrize("config", CONFIGS)
def test_micro_frontend_hostile_signals_equal_reference(config: str):
    stages, reference = NativeStages.build(CONFIGS[config]), Micro(CONFIGS[config])
    for name, pcm in HOSTILE.items():
        np.testing.assert_array_equal(stages.frames(pcm), reference.frames(pcm), err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(st.integers(0, 1500), max_size=12),
    seed=st.integers(0, 2**32 - 1),
    amplitude=st.integers(0, 32767),
    reset_after=st.integers(0, 2000),
)
def test_micro_frontend_any_chunks_give_the_same_frames(stages, chunks, seed, amplitude, reset_after):
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-amplitude - 1, amplitude + 1, sum(chunks)).astype(np.int16)
    stages.reset()
    stages.push(rng.integers(-32768, 32768, reset_after).astype(np.int16))  # must not matter
    stages.reset()
    ends = np.cumsum(chunks)
    got = [stages.push(pcm[end - size : end]) for end, size in zip(ends, chunks, strict=True)]
    got = np.concatenate([np.zeros((0, 40), np.int8), *got])
    np.testing.assert_array_equal(got, Micro(MICRO_CONFIG).frames(pcm))


@pytest.mark.parametrize(
    ("config", "chunk_samples", "compiler"),
    [("default", 97, "g++"), ("odd_window", 1, "g++"), ("narrow", 4001, "g++"), ("default", 160, "clang++")],
)
def test_micro_frontend_under_sanitizers_equals_reference(config: str, chunk_samples: int, compiler: str):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs the compiler {compiler}")
    pcm = np.concatenate(list(HOSTILE.values()))
    got = sanitized_frames(CONFIGS[config], pcm, chunk_samples, compiler)
    np.testing.assert_array_equal(got, Micro(CONFIGS[config]).frames(pcm))


def test_micro_frontend_sizes_equal_the_compiler():
    for config in CONFIGS.values():
        stages = NativeStages.build(config)
        assert 0 <= stages.library.frontend_bytes() - ram_bytes(config) <= 16  # 64-bit counter on the host


def test_micro_frontend_one_gain_off_by_one_is_found(stages: NativeStages):
    faulty = Micro(MICRO_CONFIG)
    gain = faulty.tables.gain.copy()
    gain[20, 0] += 1
    faulty.tables = dataclasses.replace(faulty.tables, gain=gain)
    pcm = (speech_like(8.0) // 4).astype(np.int16)
    assert (faulty.logs(pcm) != Micro(MICRO_CONFIG).logs(pcm)).any()
    assert (faulty.frames(pcm) != stages.frames(pcm)).any()


@pytest.mark.parametrize(("config", "kind"), [(SPEECH_CONFIG, "mfcc"), (MICRO_CONFIG, "micro")])
def test_frontend_sources_of_the_other_kind_compile_to_nothing(config, kind: str, tmp_path):
    folder, sizes = generate(config, DEFAULT_DETECTOR), {"mfcc": 0, "micro": 0}
    includes = [f"-I{native.ROOT / 'firmware' / name}" for name in ("include", "src")]
    for source in SOURCES:
        if source.parent.name in sizes:
            target = tmp_path / f"{source.stem}.o"
            command = ["g++", "-std=gnu++17", "-O2", *includes, f"-I{folder}", "-c", source, "-o", target]
            subprocess.run(command, check=True)
            symbols = subprocess.run(["nm", "--defined-only", target], check=True, capture_output=True, text=True)
            sizes[source.parent.name] += len(symbols.stdout.split())
    other = {"mfcc": "micro", "micro": "mfcc"}[kind]
    assert sizes[other] == 0 < sizes[kind]


def test_micro_bundle_generates_its_tables(tmp_path):
    write_files(tmp_path / "generated", generate_code(micro_bundle(tmp_path / "bundle")))
    header = (tmp_path / "generated/frontend_tables.h").read_text()
    assert "#define KWS_FRONTEND_MICRO 1" in header and "kMelBands" not in header
    table = (tmp_path / "generated/frontend_tables.cc").read_text()
    values = table.split("kWeightQ12[kBins] = {")[1].split("}")[0].replace(",", " ").split()
    assert [int(value) for value in values] == Micro(MICRO_CONFIG).tables.weight_q12.tolist()
