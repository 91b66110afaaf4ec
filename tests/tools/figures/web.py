"""What the page's record says: the cost of a step in WebAssembly, and what the page weighs."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.paths import ROOT
from tests.tools.figures.records import table

RECORD = ROOT / "host" / "web.json"


def _record() -> dict[str, Any]:
    return json.loads(RECORD.read_text())


def models() -> str:
    """Every model of the record: time of a step in the browser and on the machine itself, size of its module."""
    rows = []
    for name, found in _record()["models"].items():
        wasm, native = found["wasm_step_us"], found["native_step_us"]
        sizes = [f"{found[key]:,}" for key in ("module_bytes", "module_gzip_bytes")]
        rows.append([f"`{name}`", f"{wasm:.0f}", f"{native:.0f}", f"{wasm / native:.2f}", *sizes])
    columns = "in the browser, us | native, us | ratio | module, bytes | gzip, bytes"
    return table(f"A step of 20 ms | {columns}", "lrrrrr", *rows)


def page_kb() -> str:
    """Kilobytes of the page with its larger model and the spoken words."""
    record = _record()
    largest = max(found["module_bytes"] for found in record["models"].values())
    return f"{(record['page_bytes'] + record['words_bytes'] + largest) / 1000:.0f}"


FIGURES: Mapping[str, Any] = {"page KB": page_kb, "page browser": lambda: _record()["browser"]}
