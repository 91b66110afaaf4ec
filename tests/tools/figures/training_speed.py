"""The table of how many clips a second training takes, from `kws-train benchmark --training`."""

from tests.tools.figures.records import EXPERIMENTS, record, table


def training_speed() -> str:
    """Network alone, input pipeline alone and both together, without and with running speech."""
    rows = []
    for found in record(EXPERIMENTS / "training_speed.json"):
        beside = f", and {found['scenes']} scenes of speech" if found["scenes"] else ""
        rates = (found["network"], found["pipeline"], found["both"])
        title = f"{found['model']}, batches of {found['batch']} clips{beside}"
        rows.append([title, *(f"{rate:,.0f}" for rate in rates), f"{100 * found['both'] / found['network']:.0f} %"])
    return table("Clips a second | network alone | pipeline alone | both | both of network alone", "lrrrr", *rows)
