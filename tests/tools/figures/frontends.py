"""The table of front ends: what a frame of each takes on three cores."""

import json

from tests.support.paths import ROOT
from tests.tools.figures.records import table

RECORD = ROOT / "firmware" / "frontends.json"
NAMES = {
    "mfcc": "`mfcc`, 80 bands, 40 coefficients: the kit's",
    "mfcc_40": "`mfcc`, 40 bands, 40 coefficients",
    "log_mel": "`log_mel`, 40 bands",
    "log_mel_preemphasis": "`log_mel`, 40 bands, preemphasis",
    "log_mel_8k": "`log_mel`, 32 bands, 8 kHz",
    "log_mel_8k_preemphasis": "`log_mel`, 32 bands, 8 kHz, preemphasis",
    "micro": "`micro`, 40 channels",
}


def frontends() -> str:
    """Every front end of the record: instructions of a frame, memory."""
    rows = []
    for name, found in json.loads(RECORD.read_text()).items():
        cells = [*found["instructions"].values(), found["table_bytes"], found["ram_bytes"]]
        rows.append([NAMES[name], *(f"{cell:,}" for cell in cells)])
    columns = "instructions M4 | instructions M7 | instructions M55 | tables, bytes | RAM, bytes"
    return table(f"A frame every 10 ms | {columns}", "lrrrrr", *rows)
