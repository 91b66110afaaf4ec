"""``kws-train fit``: train a model from a folder of recordings."""

import argparse
import dataclasses
import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kws_reference.audio.recordings import find_recordings
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import label_set
from kws_reference.system.folder_lock import only_writer

from kws_training.commands.clip_options import add_extra, check_extra, check_seed, extra_folders, keywords
from kws_training.data.pipeline import AugmentConfig
from kws_training.data.speech_commands import (
    SAMPLE_RATE_HZ,
    WORDS,
    ClipSet,
    ClipSpec,
    FolderSpec,
    label_index,
    load_clips,
)
from kws_training.field_help import Field, fields_of
from kws_training.models import ARCHITECTURES, DEFAULT, architecture
from kws_training.quantize.precision import PRECISIONS, precision

log = logging.getLogger(__name__)

PUBLISHED = "published"
UNKNOWN_WORDS = 60  # that --voices says
_UNCHANGED = ("teacher", "start_from", "precision", "voices")  # what the published recipe goes without, and any flag
_NO_FLAGS = ("warmup_steps",)
_RECIPE_FLAGS = {
    name: field for name, field in fields_of("kws_training.train.trainer", "Recipe").items() if name not in _NO_FLAGS
}
_QUANTIZED_RECIPE = {"epochs": 8, "learning_rate": 3e-4, "weight_decay": 0.0, "dropout": 0.0}
_AUGMENT_FLAGS = fields_of("kws_training.data.pipeline", "AugmentConfig")


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("fit", help="train a model; run again with the same --out to resume")
    parser.add_argument("--model", help=f"{', '.join(ARCHITECTURES)} (default: {DEFAULT})")
    parser.add_argument("--data", type=Path, help="folder in the official Speech Commands layout, large or small")
    add_extra(parser)
    parser.add_argument(
        "--voices",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FOLDER",
        help="also train with synthetic voices that say the labels and unknown words; without --data, with them alone; "
        "they are made in FOLDER (default: voices in --out) unless they are there",
    )
    parser.add_argument(
        "--voices-clips",
        type=int,
        default=300,
        metavar="N",
        help="clips of each label, and a tenth of them of each unknown word (default %(default)s)",
    )
    parser.add_argument(
        "--labels", metavar="WORDS", help="keywords, with commas between (default: the ten of the 12-label task)"
    )
    parser.add_argument("--out", type=Path, required=True, help="run folder; an unfinished run in it is continued")
    parser.add_argument(
        "--seed", type=int, default=1, help="of weights, order and augmentation, 0 or more (default %(default)s)"
    )
    parser.add_argument(
        "--recipe",
        choices=(PUBLISHED,),
        help="train as the published figures were (default: the kit's own recipe)",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder that keeps augmented epochs for further trainings on the same data and seed"
    )
    parser.add_argument(
        "--start-from",
        "--from",
        type=Path,
        metavar="RUN",
        help="begin with the weights (but for the classifier, if the labels differ) and the features of a trained run",
    )
    parser.add_argument(
        "--precision",
        metavar="NAME",
        help=f"quantization-aware training of a trained run, see --from: {', '.join(PRECISIONS)}",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that augment clips, each with its memory; 0: none but this one (default: a half of the cores, "
        "2 to 8); the model does not depend on it",
    )
    parser.add_argument("--teacher", type=Path, help="run folder of a trained model whose answers become targets")
    for title, flags in (("recipe", _RECIPE_FLAGS), ("augmentation", _AUGMENT_FLAGS)):
        group = parser.add_argument_group(title)
        for name, field in flags.items():
            text = f"{field.text} (default {_defaults(name, field)})".replace("%", "%%").replace("`", "")
            group.add_argument(_option(name), type=field.kind, metavar=field.unit, help=text)
    return parser


def _option(name: str) -> str:
    return "--from" if name == "start_from" else f"--{name.replace('_', '-')}"


def _defaults(name: str, field: Field) -> str:
    """The default, and those that a model, --precision or few labels put in its place."""
    others = {kind.name: kind.recipe for kind in ARCHITECTURES.values()} | {"--precision": _QUANTIZED_RECIPE}
    texts = [f"{field.default:g}"]
    texts += [f"{values[name]:g} with {what}" for what, values in others.items() if name in values]
    if name in _shares(WORDS[:1]):
        texts.append("more with fewer than 5 labels")
    return ", ".join(texts)


def run(args: argparse.Namespace) -> int:
    """Trains; the run folder then holds weights, history and learning curves."""
    words = _checked(args)
    with only_writer(args.out):
        return _run(args, words)


def _run(args: argparse.Namespace, words: tuple[str, ...]) -> int:
    wanted = precision(args.precision) if args.precision else None
    import keras

    from kws_training.quantize import start
    from kws_training.train.run_folder import RunFolder, digest, load_run
    from kws_training.train.trainer import CLASSIFIER, CURVES, Recipe, Teacher, feature_statistics, take_weights, train

    known, first = load_run(args.start_from) if args.start_from else (None, None)
    taught, teacher = load_run(args.teacher) if args.teacher else (None, None)
    kind = architecture(args.model or (known["architecture"] if known else DEFAULT))
    if known and kind.name != known["architecture"]:
        raise KwsError(f"{args.start_from} holds a {known['architecture']}, not a {kind.name}. Leave out --model.")
    if known and (wanted or "precision" in known):
        start.check(known, args.start_from)

    known_words = label_set(known["labels"]).keywords if known else ()
    if wanted and words not in ((), known_words):
        raise KwsError(f"{args.start_from} was trained for {', '.join(known_words)}. Leave out --labels.")
    words = words or (known_words if wanted else WORDS)
    if args.recipe == PUBLISHED:
        from kws_training.train import published

        if kind.name not in published.MODELS:
            raise KwsError(f"the published recipe is for {' and '.join(published.MODELS)}. Received: {kind.name}.")
        recipe = published.recipe()
    else:
        augment = AugmentConfig(**{**_shares(words), **_given(args, _AUGMENT_FLAGS)})
        fields = {**kind.recipe, **(_QUANTIZED_RECIPE if wanted else {}), **_given(args, _RECIPE_FLAGS)}
        recipe = dataclasses.replace(Recipe(), augment=augment, **fields)
    training, validation = _clips(args, words)
    config = kind.config(labels=len(training.label_names))
    if known:
        config = kind.config_from_dict({**known["model"], "labels": len(training.label_names)})
    log.info(
        f"{len(training)} training clips, {len(validation)} validation clips, labels {', '.join(training.label_names)}"
    )
    if known:
        frontend = FrontendConfig.from_dict(known["frontend"])
        if frontend.sample_rate_hz != SAMPLE_RATE_HZ:
            raise KwsError(
                f"{args.start_from} hears {frontend.sample_rate_hz} Hz; fit trains with {SAMPLE_RATE_HZ} Hz. Give "
                "another run."
            )
        if wanted and known["labels"] != list(training.label_names):
            raise KwsError(f"{args.start_from} has its labels in another order than fit: {', '.join(known['labels'])}.")
    else:
        statistics_seed = args.seed if recipe.augment_seed < 0 else recipe.augment_seed
        frontend = feature_statistics(training, statistics_seed, FrontendConfig())
    settings = {
        "architecture": kind.name,
        "model": config.to_dict(),
        "labels": list(training.label_names),
        "frontend": frontend.to_dict(),
        "recipe": dataclasses.asdict(recipe),
        "seed": args.seed,
        "training_clips": len(training),
        "validation_clips": len(validation),
        "clips_sha256": {"training": training.sha256(), "validation": validation.sha256()},
    }
    if known:
        settings["started_from"] = {"labels": known["labels"], "weights_sha256": digest(first.get_weights())}
    if taught:
        learnt = FrontendConfig.from_dict(taught["frontend"])
        same_statistics = {"feature_mean": frontend.feature_mean, "feature_std": frontend.feature_std}
        if taught["labels"] != settings["labels"] or dataclasses.replace(learnt, **same_statistics) != frontend:
            raise KwsError(f"{args.teacher} was trained for other labels or another front end. Train another teacher.")
        settings["teacher"] = {
            "architecture": taught["architecture"],
            "weights_sha256": digest(teacher.get_weights()),
        }
    if wanted:
        drawn = start.calibration(training, frontend, args.seed)
        settings["precision"] = wanted.to_dict()
        settings["calibration"] = drawn.record
        settings["started_from"]["recipe"] = known["recipe"]
    teaching = Teacher(teacher, learnt) if taught else None
    folder = RunFolder(args.out, settings)
    keras.utils.set_random_seed(args.seed)
    config = dataclasses.replace(config, dropout=recipe.dropout)
    if wanted:
        model = start.quantized(config, wanted, frontend, first, drawn)
    else:
        model = kind.build(config)
        if first:
            take_weights(model, first, () if known["labels"] == settings["labels"] else (CLASSIFIER,))
    progress = log.info, args.cache, teaching, args.workers
    best = train(folder, training, validation, model, frontend, recipe, args.seed, *progress)
    log.info(
        f"best epoch {best['epoch']}: validation {100 * best['val_accuracy']:.2f} %; curves in {args.out / CURVES}"
    )
    print(json.dumps({"run": str(args.out), "epoch": best["epoch"], "validation_accuracy": best["val_accuracy"]}))
    return 0


def _checked(args: argparse.Namespace) -> tuple[str, ...]:
    """The keywords, none if they are not given; refuses what can be refused without reading anything."""
    check_extra(args)
    if args.recipe == PUBLISHED and (own := _given(args, (*_RECIPE_FLAGS, *_AUGMENT_FLAGS, *_UNCHANGED))):
        raise KwsError(f"the published recipe runs unchanged. Leave out {_option(next(iter(own)))}.")
    check_seed(args.seed)
    if args.augment_seed is not None:
        check_seed(args.augment_seed, "--augment-seed", -1)
    if args.distillation is not None and not args.teacher:
        raise KwsError("--distillation is the share of a teacher's answers. Give --teacher too.")
    if args.voices_clips < 1:
        raise KwsError(f"--voices-clips must be at least 1. Received: {args.voices_clips}.")
    if args.workers is not None and args.workers < 0:
        raise KwsError(f"--workers must be 0 or more. Received: {args.workers}.")
    if not args.data and args.voices is None:
        raise KwsError("nothing to train with. Give --data FOLDER, --voices, or both.")
    if args.precision and precision(args.precision) and not args.start_from:
        raise KwsError("--precision trains a float model on. Give its run folder by --from.")
    words = keywords(args.labels)
    if args.voices is not None:
        from kws_training.data.voices import check_sayable

        for word in words:
            check_sayable(word)
    return words


def _shares(words: tuple[str, ...]) -> dict[str, float]:
    """Unknown words and silence for a few keywords: a tenth of so little would hardly teach what is no keyword."""
    return {"unknown_percent": 200.0 / len(words), "silence_percent": 50.0 / len(words)} if len(words) < 5 else {}


def _clips(args: argparse.Namespace, words: tuple[str, ...]) -> tuple[ClipSet, ClipSet]:
    """Training and validation clips. Recordings alone validate if there are any, but for unknown words if they lack."""
    data = args.data
    if data and not data.is_dir():
        raise KwsError(f"{data}: no such folder. Download Speech Commands with kws-train fetch, or name your own.")
    folders = extra_folders(args)
    unknown: tuple[FolderSpec, ...] = ()
    if args.voices is not None:
        from kws_training.data.unknown_words import speak_task

        voices = args.out / "voices" if args.voices == Path() else args.voices
        log.info(f"synthetic voices: {voices}")
        speak_task(words, voices, args.voices_clips, UNKNOWN_WORDS, -(-args.voices_clips // 10), args.seed, log.info)
        data = data or voices
        if args.data:
            folders.append(FolderSpec(voices, part="training"))
            if not any(label_index(item.folder, words) == 1 for item in find_recordings(data).clips):
                unknown = (FolderSpec(voices, part="validation", unknown_only=True),)
    log.info(f"reading {data}")
    tell = _once(log.info)  # both splits have the same table
    training = load_clips(ClipSpec(data, "training", tuple(folders), words), tell)
    validation = load_clips(ClipSpec(data, "validation", unknown, words, unknown_percent=100.0), tell)
    if not (training.labels == 1).any():
        log.info(
            "no unknown words: the model will take every word for a keyword. Add folders of other words, or --voices."
        )
    return training, validation


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Tells every line once."""
    told: set[str] = set()

    def tell_once(line: str) -> None:
        if line not in told:
            told.add(line)
            tell(line)

    return tell_once


def _given(args: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}
