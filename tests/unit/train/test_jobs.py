"""Jobs of fit and export: what the arguments ask for, before anything is read; hyperparameters with their help."""

import argparse
import dataclasses
from pathlib import Path

import pytest
from kws_reference.errors import KwsError
from kws_training.commands import export, fit
from kws_training.convert.job import DYNAMIC, PTQ
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import FolderSpec
from kws_training.data.surroundings_config import SurroundingsConfig
from kws_training.data.training_data import TrainingData
from kws_training.hyperparameters import Hyperparameter, hyperparameter, hyperparameters_of
from kws_training.models import architecture
from kws_training.quantize.precision import PRECISIONS
from kws_training.train import published
from kws_training.train.job import FitJob
from kws_training.train.recipe import Recipe


def job(command, *arguments):
    parser = command.add_parser(argparse.ArgumentParser().add_subparsers())
    return command.job_of(parser.parse_args([*arguments, "--out", "runs/mine"]))


def test_hyperparameters_of_a_class_are_its_numbers_in_their_order():
    @dataclasses.dataclass(frozen=True)
    class Oven:
        heat: float = hyperparameter(180.0, "of the air", "CELSIUS")
        minutes: int = hyperparameter(20, "until it is opened")
        shelves: tuple[int, ...] = ()

    assert hyperparameters_of(Oven) == {
        "heat": Hyperparameter(float, 180.0, "of the air", "CELSIUS"),
        "minutes": Hyperparameter(int, 20, "until it is opened", "N"),
    }
    assert Oven() == Oven(180.0, 20)


@pytest.mark.parametrize("cls", (Recipe, AugmentConfig, SurroundingsConfig))
def test_hyperparameters_of_training_explain_every_number(cls):
    numbers = {field.name for field in dataclasses.fields(cls) if field.type in (int, float)}
    assert set(hyperparameters_of(cls)) == numbers != set()
    assert all(item.text and not item.text.endswith(".") for item in hyperparameters_of(cls).values())


def test_fit_job_holds_what_was_given_and_nothing_else():
    found = job(
        fit,
        *("--data", "sc", "--extra", "more", "--voices", "--labels", "on, off", "--seed", "7", "--epochs", "3"),
        *("--gain-low-db", "-2", "--teacher", "runs/teacher", "--distillation", "0"),
    )
    assert found == FitJob(
        out=Path("runs/mine"),
        data=TrainingData(Path("sc"), (FolderSpec(Path("more"), to_train=True),), Path("runs/mine/voices"), 300),
        words=("on", "off"),
        teacher=Path("runs/teacher"),
        recipe={"epochs": 3, "distillation": 0.0},
        augment={"gain_low_db": -2.0},
        seed=7,
    )


def test_fit_job_recipe_is_the_models_then_the_precisions_then_what_was_given():
    kind, words = architecture("mhatt_rnn"), ("a", "b")
    found = job(fit, "--data", "sc").recipe_of(kind, words)
    assert (found.learning_rate, found.dropout, found.epochs) == (1e-3, 0.2, 60)
    assert (found.augment.unknown_percent, found.augment.silence_percent) == (100.0, 25.0)
    quantized = job(fit, "--data", "sc", "--from", "runs/float", "--precision", "int8_native", "--epochs", "2")
    found = quantized.recipe_of(kind, tuple("abcdef"))
    assert (found.learning_rate, found.dropout, found.epochs) == (3e-4, 0.0, 2)
    assert found.augment == AugmentConfig()


def test_fit_job_noise_is_heard_beside_half_of_the_clips_unless_told():
    words, kind = tuple("abcdef"), architecture("matchbox")
    found = job(fit, "--data", "sc", "--noise", "rain", "--noise", "street", "--room-share", "0.25")
    assert found.data.noise == (Path("rain"), Path("street"))
    surroundings = found.recipe_of(kind, words).augment.surroundings
    assert (surroundings.noise_share, surroundings.room_share, surroundings.gate_share) == (0.5, 0.25, 0.0)
    found = job(fit, "--data", "sc", "--noise", "rain", "--noise-share", "0.1")
    assert found.recipe_of(kind, words).augment.surroundings.noise_share == 0.1
    with pytest.raises(KwsError, match="runs unchanged. Leave out --room-share"):
        job(fit, "--data", "sc", "--recipe", "published", "--room-share", "0.5")


def test_fit_job_published_recipe_is_for_its_models_alone():
    found = job(fit, "--data", "sc", "--recipe", "published")
    assert found.recipe_of(architecture("matchbox"), ("a",)) == published.recipe()
    with pytest.raises(KwsError, match="is for matchbox and matchbox_noncausal. Received: transformer"):
        found.recipe_of(architecture("transformer"), ("a",))


@pytest.mark.parametrize(
    ("text", "precision"),
    [(None, None), ("ptq", PTQ), ("dynamic", DYNAMIC), ("int4_native", PRECISIONS["int4_native"])],
)
def test_export_job_precision_is_what_the_option_names(text, precision):
    found = job(export, "--run", "runs/float", *(("--precision", text) if text else ()))
    assert found.precision == precision and found.precision_name == text
    assert (found.run, found.out, found.extra) == (Path("runs/float"), Path("runs/mine"), ())


def test_export_job_of_no_clips_is_refused():
    with pytest.raises(KwsError, match="--calibration-clips must be at least 1. Received: 0"):
        job(export, "--run", "runs/float", "--calibration-clips", "0")
