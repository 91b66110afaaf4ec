"""How far aligned words are from where they are, in running speech of flite, which tells when each sound is."""

import shutil
import subprocess

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_training.data.speech.align import Aligner
from kws_training.data.speech.alignment_checks import without_pauses

SENTENCES = (
    "no you go left and he will stop right there before it falls down",
    "seven happy people walked up that hill but only one came back",
    "yes this wind blows off every roof that nobody mended last winter",
)


def flite(voice, text, *options):
    command = ["flite", "-voice", voice, "-t", text, *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def spoken_times(voice, text, file):
    """Start and end of each word in seconds; the recording goes to a file."""
    sounds, start_s = [], 0.0
    for item in flite(voice, text, "-psdur", "-o", str(file)):
        phone, _, end_s = item.partition(":")
        if phone != "pau":
            sounds.append((start_s, float(end_s)))
        start_s = float(end_s)
    alone = flite(voice, "; ".join(text.split()), "-ps", "-o", "none")
    sizes = [len(word.split()) for word in " ".join(alone).split("pau") if word.strip()]
    assert sum(sizes) == len(sounds) and len(sizes) == len(text.split())
    ends = np.cumsum(sizes)
    return np.array([(sounds[end - size][0], sounds[end - 1][1]) for size, end in zip(sizes, ends, strict=True)])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("flite") is None, reason="missing: flite")
def test_align_running_speech_is_off_by_ten_milliseconds_in_the_middle_and_forty_at_most_in_nine_of_ten(tmp_path):
    aligner, errors = Aligner(), []
    for voice in ("slt", "rms"):
        for text in SENTENCES:
            times = spoken_times(voice, text, tmp_path / "said.wav")
            pcm = read_wav(tmp_path / "said.wav", 16000)
            words = without_pauses(pcm, aligner.align(pcm, text.split()))
            errors.append(np.array([(word.start_s, word.end_s) for word in words]) - times)
    found = np.concatenate(errors)
    assert np.median(np.abs(found)) < 0.012 and np.percentile(np.abs(found), 90) < 0.04
    assert np.abs(np.median(found, axis=0)).max() < 0.01  # neither early nor late
