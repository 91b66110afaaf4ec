"""``kws-train voices``: spoken words from speech synthesisers, as training clips."""

import argparse
from pathlib import Path

from kws_training.data.voices import voices, write_voices


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("voices", help="speak words with espeak-ng and flite, as clips to train with")
    parser.add_argument("--words", required=True, help="what to say, with commas between")
    parser.add_argument("--out", type=Path, required=True, help="folder; gets <word>/<voice>_nohash_<n>.wav")
    parser.add_argument("--clips-per-word", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def run(args: argparse.Namespace) -> int:
    """Speaks; prints how many clips there are now."""
    words = [word.strip() for word in args.words.split(",") if word.strip()]
    clips = write_voices(words, args.out, args.clips_per_word, args.seed)
    print(f"{clips} clips of {len(words)} words, {len(voices())} voices, in {args.out}")
    return 0
