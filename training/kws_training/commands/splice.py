"""``kws-train splice``: a word that few people recorded, out of pieces of recorded ones."""

import argparse
from pathlib import Path

from kws_reference.labels import words_of

from kws_training.commands.options.numbers import check_seed
from kws_training.data.splicing import write_spliced
from kws_training.folder_lock import only_writer


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "splice", help="make clips of a word that is hardly recorded out of a vowel and a hiss of recorded words"
    )
    parser.add_argument(
        "recordings", type=Path, help="folder with a subfolder for each word; those that train are taken"
    )
    parser.add_argument(
        "--word", required=True, help="what is made: a vowel and a voiceless sound behind it, such as off"
    )
    parser.add_argument(
        "--vowel-of", required=True, metavar="WORD", help="recorded word that begins with the vowel: on"
    )
    parser.add_argument(
        "--hiss-of",
        required=True,
        metavar="WORDS",
        help="recorded words that begin with the voiceless sound, with commas between: five,four,forward,follow",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder; gets <word>/<speaker>-splice<n>_nohash_<m>.wav"
    )
    parser.add_argument("--clips-per-vowel", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def run(args: argparse.Namespace) -> int:
    """Splices; prints how many clips there are now."""
    check_seed(args.seed)
    (word,), (vowel_of,) = words_of(args.word, "--word"), words_of(args.vowel_of, "--vowel-of")
    hiss_of = words_of(args.hiss_of, "--hiss-of")
    with only_writer(args.out):
        clips = write_spliced(args.recordings, word, vowel_of, hiss_of, args.out, args.clips_per_vowel, args.seed)
    print(f"{clips} clips of {word} out of {vowel_of} and {', '.join(hiss_of)}: {args.out}")
    return 0
