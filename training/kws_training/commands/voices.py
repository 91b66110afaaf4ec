"""``kws-train voices``: spoken words from speech synthesisers, as training clips."""

import argparse
import logging
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.labels import words_of

from kws_training.commands.options.numbers import check_seed
from kws_training.commands.options.pronounce import add_pronounce, spellings_of
from kws_training.data.speech.other_talkers import write_other_talkers
from kws_training.data.text_to_speech.other_speakers import write_other_speakers
from kws_training.data.text_to_speech.speak import check_sayable
from kws_training.data.text_to_speech.task import speak_task
from kws_training.data.text_to_speech.voices import voices
from kws_training.folder_lock import only_writer

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("voices", help="speak words with the installed synthesisers, as clips to train with")
    parser.add_argument("--words", help="words or phrases to say, English, with commas between")
    parser.add_argument("--out", type=Path, required=True, help="folder; gets <word>/<voice>_nohash_<n>.wav")
    parser.add_argument("--clips-per-word", type=int, default=100, help="default: %(default)s")
    parser.add_argument(
        "--unknown-words", type=int, default=0, metavar="N", help="also speak so many words that are none of --words"
    )
    parser.add_argument("--clips-per-unknown-word", type=int, default=40, help="default: %(default)s")
    add_pronounce(parser)
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="let other speakers say the --words of this folder's recordings that train, by vocoder (pyworld), in the "
        "place of the synthesisers",
    )
    parser.add_argument(
        "--speech",
        type=Path,
        metavar="FOLDER",
        help="let other speakers say a folder of running speech again, under the same names and as fast, by "
        "vocoder; in the place of --words",
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser


def run(args: argparse.Namespace) -> int:
    """Speaks; prints how many clips there are now."""
    check_seed(args.seed)
    if (args.words is None) == (args.speech is None):
        raise KwsError("give either --words to say or a folder of --speech to say again.")
    if args.speech:
        return _from_speech(args)
    words = words_of(args.words, "--words")
    return _from_recordings(args, words) if args.recordings else _from_spelling(args, words)


def _from_spelling(args: argparse.Namespace, words: tuple[str, ...]) -> int:
    for word in words:
        check_sayable(word)
    spellings = spellings_of(args.pronounce, words)
    numbers = args.clips_per_word, args.unknown_words, args.clips_per_unknown_word
    with only_writer(args.out):
        clips = speak_task(words, args.out, *numbers, args.seed, spellings)
    print(
        f"{clips} clips of {len(words)} words and {args.unknown_words} unknown ones, {len(voices())} voices: {args.out}"
    )
    return 0


def _from_speech(args: argparse.Namespace) -> int:
    if args.unknown_words or args.pronounce or args.recordings:
        raise KwsError("--speech is said again as it is. Leave out --unknown-words, --pronounce and --recordings.")
    with only_writer(args.out):
        recordings = write_other_talkers(args.speech, args.out, args.seed)
    print(f"{recordings} recordings of {args.speech} by other speakers: {args.out}")
    return 0


def _from_recordings(args: argparse.Namespace, words: tuple[str, ...]) -> int:
    if args.unknown_words or args.pronounce:
        raise KwsError("--recordings makes other speakers of --words alone. Leave out --unknown-words and --pronounce.")
    with only_writer(args.out):
        clips = write_other_speakers(args.recordings, words, args.out, args.clips_per_word, args.seed)
    print(f"{clips} clips of {len(words)} words by other speakers out of {args.recordings}: {args.out}")
    return 0
