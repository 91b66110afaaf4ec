"""The table of the large encoder, float32 against int8."""

from tests.tools.figures.records import EXPERIMENTS, record, table


def conformer() -> str:
    """The large encoder, float32 against int8."""
    found = record(EXPERIMENTS / "conformer" / "conformer.json")
    ratio, talk = found["float32_over_int8"], found["talk"]
    both = [found["float32"], found["int8"]]

    def said(key: str, unit: str) -> str:
        one, other = talk[key]
        return f"{one:.0f} -> {other:.0f} {unit}: {talk['float32_over_int8'][key]:.1f}"

    rows = [
        [
            "elapsed time for each 20 ms step, median",
            *(f"{kind['step_ms']:.1f} ms" for kind in both),
            f"{ratio['step_ms']:.1f}",
            said("step_ms", "ms"),
        ],
        ["processor time for each step", *(f"{kind['cpu_ms']:.1f} ms" for kind in both), f"{ratio['cpu_ms']:.1f}", ""],
        [
            "peak memory of the process, without the interpreter's own",
            *(f"{kind['peak_mb']:.0f} MB" for kind in both),
            f"{ratio['peak_mb']:.1f}",
            said("memory_mb", "MB"),
        ],
        [
            "of these allocated / pages of the file",
            *(f"{kind['anonymous_mb']:.0f} / {kind['mapped_mb']:.0f} MB" for kind in both),
            *("", ""),
        ],
        ["`.tflite`", *(f"{kind['file_mb']:.0f} MB" for kind in both), f"{ratio['file_mb']:.1f}", ""],
    ]
    return (
        table(" | float32 | int8 | ratio | the talk, phone", "lllll", *rows)
        .replace("|  |", "| |")
        .replace("|  |", "| |")
    )
