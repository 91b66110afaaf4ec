"""``kws-train fit``: train a model from a folder of recordings."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.frontend_config import FrontendConfig

from kws_training.data.pipeline import AugmentConfig
from kws_training.data.speech_commands import BACKGROUND_FOLDER, WORDS, ClipSet, ClipSpec, FolderSpec, load_clips
from kws_training.models import ARCHITECTURES, DEFAULT, architecture
from kws_training.quantize.precision import PRECISIONS, precision

PUBLISHED = "published"
UNKNOWN_WORDS = 60  # that --voices says
_RECIPE_FLAGS = {
    "epochs": int,
    "batch": int,
    "learning_rate": float,
    "weight_decay": float,
    "label_smoothing": float,
    "dropout": float,
    "mixup": float,
    "weight_averaging": float,
    "distillation": float,
    "distinct_epochs": int,
    "augment_seed": int,
}
_QUANTIZED_RECIPE = {"epochs": 8, "learning_rate": 3e-4, "weight_decay": 0.0, "dropout": 0.0}
_AUGMENT_FLAGS = {field.name: field.type for field in dataclasses.fields(AugmentConfig)}


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("fit", help="train a model; run again with the same --out to resume")
    parser.add_argument("--model", help=f"{', '.join(ARCHITECTURES)} (default: {DEFAULT})")
    parser.add_argument("--data", type=Path, help="folder in the official Speech Commands layout, large or small")
    parser.add_argument(
        "--extra",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="more training clips: a subfolder for each word; words that are no label are unknown ones; repeatable",
    )
    parser.add_argument(
        "--extra-names", type=Path, metavar="FILE", help="of the first --extra take only the clips that this file lists"
    )
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
        "--voices-clips", type=int, default=300, help="clips of each label, and a tenth of them of each unknown word"
    )
    parser.add_argument("--labels", help="keywords (default: the ten of the 12-label task)")
    parser.add_argument("--out", type=Path, required=True, help="run folder; an unfinished run in it is continued")
    parser.add_argument("--seed", type=int, default=1)
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
    parser.add_argument("--teacher", type=Path, help="run folder of a trained model whose answers become targets")
    for name, kind in _RECIPE_FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="see Recipe")
    for name, kind in _AUGMENT_FLAGS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="see AugmentConfig")
    return parser


def run(args: argparse.Namespace) -> int:
    """Trains; the run folder then holds weights, history and learning curves."""
    if args.extra_names and not args.extra:
        raise KwsError("--extra-names lists clips of --extra. Give --extra too.")
    if not args.data and args.voices is None:
        raise KwsError("nothing to train with. Give --data FOLDER, --voices, or both.")
    wanted = precision(args.precision) if args.precision else None
    if wanted and not args.start_from:
        raise KwsError("--precision trains a float model on. Give its run folder by --from.")
    import keras

    from kws_training.quantize import start
    from kws_training.run_folder import RunFolder, digest, load_run
    from kws_training.trainer import CURVES, Recipe, Teacher, feature_statistics, take_weights, train

    known, first = load_run(args.start_from) if args.start_from else (None, None)
    taught, teacher = load_run(args.teacher) if args.teacher else (None, None)
    kind = architecture(args.model or (known["architecture"] if known else DEFAULT))
    if known and kind.name != known["architecture"]:
        raise KwsError(f"{args.start_from} holds a {known['architecture']}, not a {kind.name}. Leave out --model.")
    if known and (wanted or "precision" in known):
        start.check(known, args.start_from)

    words = tuple(word.strip() for word in (args.labels or "").split(",") if word.strip())
    if wanted and words not in ((), tuple(known["labels"][2:])):
        raise KwsError(f"{args.start_from} was trained for {', '.join(known['labels'][2:])}. Leave out --labels.")
    words = words or (tuple(known["labels"][2:]) if wanted else WORDS)
    if args.recipe == PUBLISHED:
        from kws_training import published

        if own := _given(args, _RECIPE_FLAGS | _AUGMENT_FLAGS):
            raise KwsError(f"the published recipe runs unchanged. Leave out --{next(iter(own)).replace('_', '-')}.")
        recipe = published.recipe()
    else:
        augment = AugmentConfig(**{**_shares(words), **_given(args, _AUGMENT_FLAGS)})
        fields = {**kind.recipe, **(_QUANTIZED_RECIPE if wanted else {}), **_given(args, _RECIPE_FLAGS)}
        recipe = dataclasses.replace(Recipe(), augment=augment, **fields)
    training, validation = _clips(args, words)
    config = kind.config(labels=len(training.label_names))
    if known:
        config = kind.config_from_dict({**known["model"], "labels": len(training.label_names)})
    say(f"{len(training)} training clips, {len(validation)} validation clips, labels {', '.join(training.label_names)}")
    if known:
        frontend = FrontendConfig.from_dict(known["frontend"])
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
            take_weights(model, first)
    best = train(folder, training, validation, model, frontend, recipe, args.seed, say, args.cache, teaching)
    say(f"best epoch {best['epoch']}: validation {100 * best['val_accuracy']:.2f} %; curves in {args.out / CURVES}")
    print(json.dumps({"run": str(args.out), "epoch": best["epoch"], "validation_accuracy": best["val_accuracy"]}))
    return 0


def _shares(words: tuple[str, ...]) -> dict[str, float]:
    """Unknown words and silence for a few keywords: a tenth of so little would hardly teach what is no keyword."""
    return {"unknown_percent": 200.0 / len(words), "silence_percent": 50.0 / len(words)} if len(words) < 5 else {}


def _clips(args: argparse.Namespace, words: tuple[str, ...]) -> tuple[ClipSet, ClipSet]:
    """Training and validation clips. Recordings alone validate if there are any, but for unknown words if they lack."""
    data = args.data
    if data and not data.is_dir():
        raise KwsError(f"{data}: no such folder. Download Speech Commands with kws-train fetch, or name your own.")
    folders = [FolderSpec(path, None if index else args.extra_names) for index, path in enumerate(args.extra)]
    unknown: tuple[FolderSpec, ...] = ()
    if args.voices is not None:
        from kws_training.data.unknown_words import speak_task

        voices = args.out / "voices" if args.voices == Path() else args.voices
        say(f"synthetic voices: {voices}")
        speak_task(words, voices, args.voices_clips, UNKNOWN_WORDS, -(-args.voices_clips // 10), args.seed)
        data = data or voices
        if args.data:
            folders.append(FolderSpec(voices, part="training"))
            if not any(path.is_dir() and path.name not in (*words, BACKGROUND_FOLDER) for path in data.iterdir()):
                unknown = (FolderSpec(voices, part="validation", unknown_only=True),)
    say(f"reading {data}")
    training = load_clips(ClipSpec(data, "training", tuple(folders), words))
    validation = load_clips(ClipSpec(data, "validation", unknown, words, unknown_percent=100.0))
    if not (training.labels == 1).any():
        say("no unknown words: the model will take every word for a keyword. Add folders of other words, or --voices.")
    return training, validation


def say(line: str) -> None:
    """Logs a line to stderr."""
    print(line, file=sys.stderr, flush=True)


def _given(args: argparse.Namespace, names: tuple[str, ...]) -> dict:
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}
