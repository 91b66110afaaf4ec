"""Options of ``kws-train evaluate`` for running speech."""

import argparse
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.commands.options.clip_set import check_set_name, clip_set
from kws_training.evaluate.speech.clips import DEFAULT_PER_KEYWORD
from kws_training.evaluate.speech.folders import SpeechFolder
from kws_training.evaluate.speech.report import Setting, SpeechJob

_DEFAULTS = {
    "speakers": "all",
    "word_times": None,
    "by_transcript": False,
    "clips_per_keyword": DEFAULT_PER_KEYWORD,
    "also": None,
    "scores": None,
    "moments": 100,
    "clips": None,
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
    group.add_argument("--scores", type=Path, metavar="FOLDER", help="keep the scores in this folder for the next time")
    group.add_argument("--moments", type=int, metavar="N", help="how many of the worst moments are listed (default 100)")
    group.add_argument("--clips", type=Path, metavar="FOLDER", help="write the sound of the worst moments as WAV")


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
    value = {name: default if getattr(args, name) is None else getattr(args, name) for name, default in _DEFAULTS.items()}
    times = value["word_times"] or [None] * len(args.speech)
    if len(times) != len(args.speech):
        raise KwsError(f"--word-times goes with --speech, one for each. Received: {len(times)}, {len(args.speech)}.")
    if args.word_times and args.by_transcript:
        raise KwsError("--by-transcript uses no times of words. Leave out --word-times.")
    for name in ("clips_per_keyword", "moments"):
        if value[name] < 1:
            raise KwsError(f"--{name.replace('_', '-')} must be at least 1. Received: {value[name]}.")
    return SpeechJob(
        bundle=args.bundle,
        name=args.set_name,
        speech=tuple(
            SpeechFolder(folder, value["speakers"], table, not value["by_transcript"])
            for folder, table in zip(args.speech, times, strict=True)
        ),
        out=args.out or args.bundle,
        clips=clip_set(args) if args.test or args.validation else None,
        per_keyword=value["clips_per_keyword"],
        settings=tuple(map(_setting, value["also"] or ())),
        scores=value["scores"],
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
