"""``kws-train fit``: train a model from a folder of recordings."""

import argparse
import json
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.kinds import require_mel_bands
from kws_reference.frontend.wanted import wanted_frontend
from kws_reference.labels import TEN_KEYWORDS, words_of

from kws_training.commands.options.extra_folders import add_extra, extra_folders
from kws_training.commands.options.hyperparameters import add_hyperparameters, given_hyperparameters
from kws_training.commands.options.numbers import check_seed
from kws_training.commands.options.pronounce import add_pronounce, spellings_of
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.scenes.load_speech import SpeechFolder
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.speech.corpus import Fold
from kws_training.data.surroundings_config import SurroundingsConfig
from kws_training.data.training_data import TrainingData
from kws_training.folder_lock import only_writer
from kws_training.hyperparameters import Hyperparameter
from kws_training.models import ARCHITECTURES, DEFAULT, OWN
from kws_training.quantize.precision import PRECISIONS, precision
from kws_training.train.job import NOISE_SHARE, QUANTIZED_RECIPE, FitJob, shares_of
from kws_training.train.recipe import Recipe

PUBLISHED = "published"
_SCENE = "scene-"


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("fit", help="train a model; run again with the same --out to resume")
    parser.add_argument(
        "--model",
        help=f"{', '.join(ARCHITECTURES)} (default: {DEFAULT}), or {OWN}: a function in a Python file of yours, "
        "build(labels, coefficients), that returns the Keras model",
    )
    parser.add_argument(
        "--frontend",
        metavar="FILE|KIND",
        help="what the model hears with: mfcc (default), log_mel, or a JSON file with such a front end's dictionary "
        "(what it lacks has defaults)",
    )
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
    add_pronounce(parser)
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
        help=f"quantization-aware training of a trained run, see --start-from: {', '.join(PRECISIONS)}",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that augment clips, each with its memory; 0: none but this one (default: a half of the cores, "
        "2 to 8); the model does not depend on it",
    )
    parser.add_argument(
        "--speech",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="also train among the running speech of a folder: long recordings, with or without transcripts; may be "
        "given several times",
    )
    parser.add_argument(
        "--word-times",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="times of the words of each --speech, in their order (default: words.tsv in the folder, if it is there)",
    )
    parser.add_argument(
        "--speech-fold",
        metavar="K/N",
        help="keep the speakers of this fold out of training, such as 2/5: each is kept out of one of the folds "
        "(default: about a fifth, the same ones always)",
    )
    parser.add_argument(
        "--noise",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="recordings of everyday noise, a subfolder for each kind; a fifth of each is kept for testing; repeatable",
    )
    parser.add_argument("--teacher", type=Path, help="run folder of a trained model whose soft labels become targets")
    add_hyperparameters(parser, "recipe", Recipe, _defaults, without=("warmup_steps",))
    add_hyperparameters(parser, "augmentation", AugmentConfig, _defaults)
    add_hyperparameters(parser, "scenes, with --speech", SceneConfig, _defaults, prefix=_SCENE)
    add_hyperparameters(parser, "surroundings of the clips", SurroundingsConfig, _defaults)
    return parser


def _defaults(name: str, hyperparameter: Hyperparameter) -> str:
    """The default, and those that a model, --precision or few labels put in its place."""
    others = {kind.name: kind.recipe for kind in ARCHITECTURES.values()} | {
        "--precision": QUANTIZED_RECIPE,
        "--noise": NOISE_SHARE,
    }
    texts = [f"{hyperparameter.default:g}"]
    texts += [f"{values[name]:g} with {what}" for what, values in others.items() if name in values]
    if name in shares_of(TEN_KEYWORDS[:1]):
        texts.append("more with fewer than 5 labels")
    return ", ".join(texts)


def run(args: argparse.Namespace) -> int:
    """Trains; prints run folder, best epoch and its validation accuracy as JSON."""
    job = job_of(args)
    with only_writer(job.out):
        from kws_training.train.fit import fit

        best = fit(job)
        print(json.dumps({"run": str(job.out), "epoch": best["epoch"], "validation_accuracy": best["val_accuracy"]}))
    return 0


def job_of(args: argparse.Namespace) -> FitJob:
    """The job that the arguments ask for.

    Raises:
      KwsError: an argument is wrong by itself, or does not go with another.
    """
    voices = args.out / "voices" if args.voices == Path() else args.voices
    words = () if args.labels is None else words_of(args.labels, "--labels")
    spellings = spellings_of(args.pronounce, words)
    job = FitJob(
        out=args.out,
        data=TrainingData(args.data, extra_folders(args), voices, args.voices_clips, tuple(args.noise), spellings),
        words=words,
        model=args.model,
        frontend=None if args.frontend is None else _frontend(args.frontend),
        start_from=args.start_from,
        teacher=args.teacher,
        precision=precision(args.precision) if args.precision else None,
        published=args.recipe == PUBLISHED,
        recipe=given_hyperparameters(args, Recipe),
        augment=given_hyperparameters(args, AugmentConfig),
        speech=_speech(args),
        scenes=given_hyperparameters(args, SceneConfig, _SCENE),
        surroundings=given_hyperparameters(args, SurroundingsConfig),
        seed=args.seed,
        cache=args.cache,
        workers=args.workers,
    )
    check_seed(job.seed)
    if args.augment_seed is not None:
        check_seed(args.augment_seed, "--augment-seed", -1)
    if voices is not None:
        _check_sayable((*job.words, *(text for texts in spellings.values() for text in texts)))
    return job


def _frontend(text: str) -> FrontendConfig:
    return require_mel_bands(wanted_frontend(text).config, "kws-train fit")


def _speech(args: argparse.Namespace) -> tuple[SpeechFolder, ...]:
    if args.word_times and len(args.word_times) != len(args.speech):
        raise KwsError(
            f"--word-times belongs to --speech: give one for each, in their order. Received: {len(args.word_times)} "
            f"for {len(args.speech)}."
        )
    if args.speech_fold and not args.speech:
        raise KwsError("--speech-fold divides the speakers of --speech. Give --speech too.")
    fold = Fold.of(args.speech_fold) if args.speech_fold else None
    times = args.word_times or [None] * len(args.speech)
    return tuple(SpeechFolder(folder, table, fold) for folder, table in zip(args.speech, times, strict=True))


def _check_sayable(words: tuple[str, ...]) -> None:
    """Refuses words that the voices cannot say."""
    from kws_training.data.text_to_speech.speak import check_sayable

    for word in words:
        check_sayable(word)
