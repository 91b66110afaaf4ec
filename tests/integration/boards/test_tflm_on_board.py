"""Engine `tflm` with the reader's own TensorFlow Lite Micro tree: every integer of the board against the reference."""

import os

import pytest
from kws_host import project
from kws_host.compare import compare_run
from kws_host.device import Device
from kws_host.emulator import Emulator, EmulatorConfig
from kws_host.link import Link
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import Config

from tests.support import boards

pytestmark = pytest.mark.qemu
WORDS = boards.ROOT / "host" / "demo" / "words"


@pytest.mark.parametrize("word", ["yes", "stop"])
def test_tflm_image_of_the_readers_tree_equals_reference(word):
    if not os.environ.get("KWS_TFLM_TREE"):
        pytest.skip("missing: KWS_TFLM_TREE, a TensorFlow Lite Micro tree (firmware/README.md, engine tflm)")
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    pcm = read_wav(sorted((WORDS / word).glob("*.wav"))[0])
    reference = Pipeline(bundle).run(pcm, state_crcs=True)
    elf = boards.build("mps2_an386_tflm")
    with Emulator(EmulatorConfig("mps2_an386", elf, port=0)) as emulator, Link(emulator.url, timeout_s=60) as link:
        device = Device(link)
        assert device.info.engine == "tflm"
        device.configure(Config.FEATURES | Config.STATE_DIGESTS)
        result = compare_run(bundle, device.run(pcm), reference)
    assert result.mismatches == 0, str(result.first)
    assert result.integers > 80 * len(reference)
