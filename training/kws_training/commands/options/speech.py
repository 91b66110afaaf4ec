"""Options of ``kws-train evaluate`` for running speech."""

import argparse
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training.commands.options.choice import add_choice, add_fold, choice_of
from kws_training.commands.options.clip_set import check_set_name, clip_set
from kws_training.data.signal.disturbances import DISTURBANCES
from kws_training.data.speech.corpus import Fold
from kws_training.evaluate.speech.clips import DEFAULT_PER_KEYWORD
from kws_training.evaluate.speech.disturbed import disturbance_names
from kws_training.evaluate.speech.folders import SpeakersOf, SpeechFolder
from kws_training.evaluate.speech.job import Setting, SpeechJob

_DEFAULTS: dict[str, Any] = {
    "speakers": None,
    "speech_fold": None,
    "word_times": None,
    "by_transcript": False,
    "clips_per_keyword": DEFAULT_PER_KEYWORD,
    "also": None,
    "scores": None,
    "noise": None,
    "near_silence": False,
    "disturbed": None,
    "trained_on": None,
    "folds": None,
    "moments": 100,
    "clips": None,
    "choose_thresholds": False,
    "false_accepts_per_hour": None,
    "confidence": None,
    "extra": None,
    "write_thresholds": False,
}


def add_speech(parser: argparse.ArgumentParser) -> None:
    """Adds ``--speech`` and what belongs to it."""
    group = parser.add_argument_group(
        "running speech", "with --speech; --test or --validation then give the keyword clips that recall is measured on"
    )
    group.add_argument(
        "--speech",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="folder of long recordings, with or without transcripts; may be given more than once",
    )
    group.add_argument(
        "--speakers",
        choices=("all", "training", "validation"),
        help="whom to hear: all (the default), or those that kws-train fit --speech trains on or keeps for validation",
    )
    add_fold(group)
    group.add_argument(
        "--word-times",
        type=Path,
        action="append",
        metavar="FILE",
        help="times of the words, by kws-train cut, of each --speech in turn (default: words.tsv in it)",
    )
    group.add_argument(
        "--by-transcript",
        action="store_true",
        default=None,
        help="leave out whole utterances whose transcript has a keyword, though times of words are there",
    )
    group.add_argument(
        "--clips-per-keyword",
        type=int,
        metavar="N",
        help=f"at most so many keyword clips, drawn by seed 0 (default {DEFAULT_PER_KEYWORD})",
    )
    group.add_argument(
        "--also",
        action="append",
        metavar="S,P",
        help="set another detector beside: mean over S seconds, threshold P of 1 for all keywords; more than once",
    )
    group.add_argument("--scores", type=Path, metavar="FOLDER", help="keep the scores here for the next time")
    group.add_argument(
        "--noise",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="also hear noise, of each class of the folder what is kept for testing; may be given more than once",
    )
    group.add_argument(
        "--near-silence",
        action="store_true",
        default=None,
        help="also hear textures of near-silence, 0 to 30 least significant bits",
    )
    group.add_argument(
        "--disturbed",
        nargs="?",
        const="all",
        metavar="NAMES",
        help=f"also hear the same speech through {', '.join(DISTURBANCES)}; all, or names with commas between",
    )
    group.add_argument(
        "--folds",
        type=Path,
        nargs="+",
        metavar="BUNDLE",
        help="further bundles: each speaker is heard by the first one that was not trained on him",
    )
    group.add_argument(
        "--trained-on",
        type=Path,
        metavar="FILE",
        help="JSON of bundle folders to the speakers that they were trained on, for those that do not tell",
    )
    group.add_argument(
        "--moments", type=int, metavar="N", help="how many of the worst moments are listed (default 100)"
    )
    group.add_argument("--clips", type=Path, metavar="FOLDER", help="write the sound of the worst moments as WAV")
    add_choice(parser)


def refuse_speech_options(args: argparse.Namespace) -> None:
    """Refuses options of ``--speech`` without it.

    Raises:
      KwsError: one is given.
    """
    given = [name for name in _DEFAULTS if getattr(args, name) is not None]
    if given:
        raise KwsError(f"--{given[0].replace('_', '-')} belongs to --speech. Give --speech too.")


def speech_job(args: argparse.Namespace) -> SpeechJob:
    """The job that the options ask for.

    Raises:
      KwsError: a combination means nothing, or a value is out of range.
    """
    if args.bundle is None or args.run_folder or args.without or args.limit is not None:
        raise KwsError("--speech is heard by a bundle: give its folder; leave out --run, --without and --limit.")
    check_set_name(args)
    value = {
        name: default if getattr(args, name) is None else getattr(args, name) for name, default in _DEFAULTS.items()
    }
    times = value["word_times"] or [None] * len(args.speech)
    if len(times) != len(args.speech):
        raise KwsError(f"--word-times goes with --speech, one for each. Received: {len(times)}, {len(args.speech)}.")
    if args.word_times and args.by_transcript:
        raise KwsError("--by-transcript uses no times of words. Leave out --word-times.")
    for name in ("clips_per_keyword", "moments"):
        if value[name] < 1:
            raise KwsError(f"--{name.replace('_', '-')} must be at least 1. Received: {value[name]}.")
    choice = choice_of(args)
    if choice and args.folds:
        raise KwsError("thresholds are chosen for one bundle. Leave out --folds.")
    if args.trained_on and not args.folds:
        raise KwsError("--trained-on tells who hears whom of several bundles. Give --folds too.")
    fold = Fold.of(args.speech_fold) if args.speech_fold else None
    if fold and not (args.speakers or choice):
        raise KwsError("--speech-fold divides speakers. Give --speakers too.")
    speakers: SpeakersOf = args.speakers or ("validation" if choice else "all")
    return SpeechJob(
        bundles=(args.bundle, *(args.folds or ())),
        name=args.set_name,
        speech=tuple(
            SpeechFolder(folder, speakers, table, not value["by_transcript"], fold)
            for folder, table in zip(args.speech, times, strict=True)
        ),
        out=args.out or args.bundle,
        clips=clip_set(args) if args.test or args.validation else None,
        per_keyword=value["clips_per_keyword"],
        settings=tuple(map(_setting, value["also"] or ())),
        choice=choice,
        scores=value["scores"],
        noise=tuple(args.noise or ()),
        near_silence=value["near_silence"],
        disturbances=disturbance_names(args.disturbed) if args.disturbed else (),
        trained_on=args.trained_on,
        moments=value["moments"],
        moment_clips=value["clips"],
    )


def _setting(text: str) -> Setting:
    try:
        smoothing_s, threshold = map(float, text.split(","))
    except ValueError:
        smoothing_s, threshold = 0.0, 0.0
    if not (0 < smoothing_s <= 5 and 0 < threshold < 1):
        raise KwsError(f"--also takes seconds and a threshold below 1, such as 0.5,0.97. Received: {text!r}.")
    return Setting(smoothing_s, threshold)
