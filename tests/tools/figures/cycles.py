"""The table of estimated cycles beside those that others measured on a chip."""

from tests.tools.figures.records import table

# Estimated once, outside of this repository, of PyPI's PySPX 0.5.0 (its reference C, SHA-256 in C, -O3 with
# arm-none-eabi-gcc 12.2, parameters sphincs-sha2-128f): QEMU's log, from the call to the return. Published: pqm4's
# benchmarks.md (github.com/mupq/pqm4), key generation, "clean", STM32F4 Discovery at 24 MHz without wait states: least
# and most of its editions, whose compilers and sources differ.
PUBLISHED: dict[str, tuple[int, int, tuple[int, int]]] = {
    "SPHINCS+ SHA-256 128f simple, key generation": (11_949_035, 14_155_820, (15_388_375, 16_552_135)),
    "SPHINCS+ SHA-256 128f robust, key generation": (23_416_904, 27_802_751, (29_123_270, 31_756_635)),
}


def published() -> str:
    """Estimates beside published cycles."""
    rows = [
        [
            name,
            f"{instructions:,}",
            f"{estimated:,}",
            f"{least:,} to {most:,}",
            f"{100 * (estimated / least - 1):.0f} to {100 * (estimated / most - 1):.0f} %",
        ]
        for name, (instructions, estimated, (least, most)) in PUBLISHED.items()
    ]
    return table(
        "Program | Instructions | Estimated cycles | Measured cycles | Estimate against measured", "lrrrr", *rows
    )
