"""The table of other people's models: what a step of each takes on two cores."""

import json

from tests.support.paths import ROOT
from tests.tools.figures.records import table

RECORD = ROOT / "codegen" / "adopted.json"
NAMES = {
    "alexa": "microWakeWord *alexa*",
    "hey_jarvis": "microWakeWord *hey jarvis*",
    "hey_mycroft": "microWakeWord *hey mycroft*",
    "okay_nabu": "microWakeWord *okay nabu*",
    "ds_cnn": "DS-CNN of MLPerf Tiny, a whole window at once",
    "micro_speech": "micro_speech, its window at each step",
    "tc_resnet": "TC-ResNet8, its window at each step",
    "bc_resnet": "BC-ResNet, small, its window at each step",
    "svdf": "two SVDF layers",
    "gru": "GRU of 32 units",
    "svdf_inside": "SVDF of kws_streaming, its memory inside",
    "lstm": "LSTM of 64 units, its states inside",
    "wake_word_recomputed": "streaming wake word of MLPerf Tiny, its window at each step",
    "wake_word_streamed": "the same by `kws-codegen stream`",
    "gru_int16": "GRU of 32 units, int16 activations",
    "wake_word_int16": "streaming wake word by `kws-codegen stream`, int16 activations",
}


def adopted() -> str:
    """Every model of the record: step, work, instructions, memory."""
    rows = []
    for name, found in json.loads(RECORD.read_text()).items():
        m4, m55 = found["boards"]["mps2_an386"], found["boards"]["mps3_an547"]
        memory = found["state_bytes"] + found["scratch_bytes"]
        cells = [found["macs"], m4["engine"], m55["engine"], memory, m4["flash"], m4["stack"]]
        rows.append([NAMES[name], f"{found['step_ms']:g} ms", *(f"{cell:,}" for cell in cells)])
    columns = "MAC | instructions M4 | instructions M55 | states and scratch, bytes | flash M4 | stack M4"
    return table(f"Model | Step | {columns}", "lrrrrrrr", *rows)
