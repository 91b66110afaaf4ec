"""What the log says of a folder of recordings: how it was understood, and what a person may have meant otherwise."""

import logging
from collections.abc import Sequence

from kws_reference.audio.recordings import BACKGROUND_FOLDER, Listing, deeper_labels, label_of, left_out_lines, named
from kws_reference.labels import SILENCE, UNKNOWN, Kind, LabelSet, folded

from kws_training.data.clips import folder_label
from kws_training.data.speakers import spoken_word
from kws_training.data.splits import Division

log = logging.getLogger(__name__)


_LIKE_RESERVED = {"silence": SILENCE, "noise": BACKGROUND_FOLDER, "background noise": BACKGROUND_FOLDER}


def log_folder(listing: Listing, words: Sequence[str], *, noise_is_heard: bool = True) -> None:
    """Says what is left out of a folder, which folders are labels by another spelling, and what looks misplaced.

    Args:
      listing: the folder.
      words: the keywords.
      noise_is_heard: whether its background noise is used.
    """
    left_out = listing.not_clips()
    if listing.noise and not noise_is_heard:
        left_out["background noise"] = tuple(item.name for item in listing.noise)
    for line in left_out_lines(listing.root, left_out):
        log.info(line)
    labels = LabelSet.of_words(words)
    renamed = {item.folder: label_of(item.folder, labels) for item in listing.clips}
    renamed = {folder: label for folder, label in renamed.items() if label not in (folder, UNKNOWN)}
    if renamed:
        pairs = [f"{label}: {folder}/" for folder, label in sorted(renamed.items())]
        log.info(f"{listing.root}: folders taken as labels: {named(pairs, 10)}")
    for folder in sorted({item.folder for item in listing.clips if folder_label(item.folder, words) == UNKNOWN}):
        if meant := _LIKE_RESERVED.get(folded(folder)):
            log.info(f"{listing.root}: {folder}/ counts as an unknown word; call it {meant} if it holds no words")
    said = [item.name for item in listing.clips if folded(item.folder) == UNKNOWN]
    said = [name for name in said if Kind.of(folder_label(spoken_word(name), words)) is Kind.KEYWORD]
    if said:
        log.info(
            f"{listing.root}: unknown words that are labels by their names: {len(said):,} ({named(said)}). Move them."
        )
    if deeper := deeper_labels(listing.clips, labels):
        log.info(
            f"{listing.root}: unknown words by their first folder, though a deeper one is called like a label: "
            f"{len(deeper):,} ({named([item.name for item in deeper])}). If they are the label, put its folder first."
        )


def log_split(listing: Listing, division: Division, words: Sequence[str]) -> None:
    """Says how a folder is split, with a table of labels and splits."""
    log.info(f"{listing.root}: {len(division.part):,} clips, split: {division.rule}:")
    for line in division.table(words):
        log.info(line)
    for note in division.notes:
        log.info(f"{listing.root}: {note}")
    unknown = sorted({spoken_word(item.name) for item in listing.clips if folder_label(item.folder, words) == UNKNOWN})
    if unknown:
        log.info(f"  unknown words: {named(unknown, 10)}")
