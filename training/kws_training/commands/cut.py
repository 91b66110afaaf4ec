"""``kws-train cut``: single words out of recordings of running speech, as training clips, and every word's time."""

import argparse
import json
import logging
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.labels import words_of

from kws_training.commands.options.numbers import check_count
from kws_training.data.speech.align_corpus import WORKERS, AlignedCorpus, align_corpus
from kws_training.data.speech.corpus import SpeechCorpus, speech_corpus
from kws_training.data.speech.cut_corpus import SHORTEST_S, CutJob, cut_corpus, report_lines
from kws_training.data.speech.cut_words import SURROUNDINGS
from kws_training.data.speech.word_times import WORD_TIMES, read_word_times, write_word_times
from kws_training.evaluate.second_look import SecondLook
from kws_training.folder_lock import only_writer

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("cut", help="cut single words out of recordings of speech with transcripts")
    parser.add_argument(
        "speech", type=Path, metavar="SPEECH", help="folder of WAV files with LibriSpeech's *.trans.txt or a .tsv"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets words.tsv and the clips")
    parser.add_argument("--words", help="keywords to cut, with commas between; without: only find the times of words")
    parser.add_argument("--unknown", type=int, default=0, metavar="N", help="also cut so many other words")
    parser.add_argument(
        "--surroundings",
        choices=SURROUNDINGS,
        default="fade",
        help="what is around a word in its clip: the recording's quiet (fade, default) or what is said there (keep)",
    )
    parser.add_argument(
        "--shortest",
        type=float,
        default=SHORTEST_S,
        metavar="S",
        help="leave keywords out that take less (default: %(default)s)",
    )
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="put aside keywords in which it hears another word"
    )
    parser.add_argument("--word-times", type=Path, metavar="FILE", help="take the times of words from this table")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes that align (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    """Aligns and cuts; prints how many clips there are of each word."""
    check_count(args.workers, "--workers")
    check_count(args.unknown, "--unknown", 0)
    if not args.words and (args.unknown or args.model):
        raise KwsError("--unknown and --model go with --words: unknown words are those that are none of them.")
    if not args.shortest >= 0:
        raise KwsError(f"--shortest is a length in seconds, 0 or more. Received: {args.shortest}.")
    words = words_of(args.words, "--words") if args.words else ()
    bundle = Bundle.load(args.model) if args.model else None
    if bundle and not set(words) & set(bundle.labels.keywords):
        raise KwsError(f"{args.model} hears {', '.join(bundle.labels.keywords)}. Received: --words {args.words}.")
    corpus = speech_corpus(args.speech)
    with only_writer(args.out):
        aligned = _aligned(corpus, args)
        for name, why in sorted(aligned.refused.items()):
            log.warning(f"{name}: {why}")
        if not words:
            count = sum(map(len, aligned.times.values()))
            print(f"{count} words of {len(aligned.times)} recordings: {args.out / WORD_TIMES}")
            return 0
        listener = SecondLook(bundle) if bundle else None
        job = CutJob(corpus, aligned.times, words, args.unknown, args.surroundings, args.out, args.shortest, listener)
        report = cut_corpus(job, aligned.refused)
    print(json.dumps(report) if args.json else "\n".join(report_lines(report)))
    return 0


def _aligned(corpus: SpeechCorpus, args: argparse.Namespace) -> AlignedCorpus:
    """Word times: as given, or of the speech folder, or found now."""
    file = args.out / WORD_TIMES
    given = args.word_times or corpus.root / WORD_TIMES
    if args.word_times is None and not given.is_file() or given.resolve() == file.resolve():
        return align_corpus(corpus, file, args.workers)
    times = read_word_times(given)
    known = {item.name for item in corpus.recordings}
    if not known & times.keys():
        raise KwsError(f"{given}: names no recording of {corpus.root}. Paths count from that folder.")
    times = {name: words for name, words in times.items() if name in known}
    write_word_times(file, times)
    return AlignedCorpus(times, {})
