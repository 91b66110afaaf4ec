"""The table of engines: TensorFlow Lite Micro beside this kit."""

from kws_firmware.tables import load_measured

from tests.tools.figures.records import table

PROMISED_BOARD = "mps2_an386"
"""Of which the front page speaks."""

# Measured once with a real TensorFlow Lite Micro tree (90b983c2, CMSIS-NN 4ab83cc3), outside of this repository: engine
# alone, step, arena in use, flash, RAM, stack in use. Rows of this kit come from `kws_firmware.tables`, or, for int4,
# from the same measurement.
TFLM = "TFLite Micro + CMSIS-NN"
TFLM_INT8 = "the same, registrations for int8 alone (what `kws-codegen` writes)"
OURS = "this kit, `aot`"
QUOTED_ENGINES: dict[str, dict[str, tuple[int | None, ...]]] = {
    "M4F, int8": {
        "TFLite Micro, reference kernels": (1769376, 1838208, 38540, 218352, 91564, 1312),
        TFLM: (730601, 799433, 41692, 265952, 91564, 1568),
        TFLM_INT8: (730343, 799175, 41692, 229408, 91564, 1292),
    },
    "M4F, int4": {
        "TFLite Micro, reference kernels": (2044435, 2113267, 46220, 184124, 91452, 1312),
        TFLM: (780871, 849703, 41692, 231724, 91452, 1652),
        OURS: (193780, 262634, None, 90092, 28596, 776),
    },
    "M55, int8": {
        "TFLite Micro, reference kernels": (1662315, 1702320, 38540, 218628, 91580, 1392),
        TFLM: (213098, 253103, 47612, 254316, 91580, 1652),
    },
    "M55, int4": {TFLM: (261793, 301798, 47612, 220084, 91468, 1684)},
}
MEASURED_ENGINES = {"M4F, int8": PROMISED_BOARD, "M55, int8": "mps3_an547"}


def engines() -> str:
    """TensorFlow Lite Micro beside this kit, on the released models."""
    rows = []
    for title, quoted in QUOTED_ENGINES.items():
        entries = dict(quoted)
        if title in MEASURED_ENGINES:
            ours = measured(MEASURED_ENGINES[title])
            figures = ("engine", "step", "", "flash", "ram", "stack")
            entries[OURS] = tuple(ours.get(key) for key in figures)
        for number, (engine, values) in enumerate(entries.items()):
            cells = ["-" if value is None else f"{value:,}" for value in values]
            rows.append(["" if number else title, engine, *cells])
    head = "Board, model | Engine | Engine alone | Step (20 ms) | Arena used | Flash | RAM | Stack used"
    return table(head, "llrrrrrr", *rows).replace("|  |", "| |")


def measured(board: str) -> dict[str, int]:
    """What `make measure` found on an emulated board."""
    return load_measured().boards[board]
