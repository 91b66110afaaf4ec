"""What a step costs in the page's WebAssembly and in the same sources compiled for this machine; what the page weighs.

    python -m tests.tools.measure_web        writes host/web.json

Both take the demo's 49 words, piece by piece, in turns on one machine; the fastest of all rounds counts, since other
work only ever makes a round slower. `make figures` makes the table of it.
"""

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from kws_firmware import sources, web
from kws_host.demo_words import WORDS
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle

from tests.support import native, web_page
from tests.support.chromium import chromium, page_of, serving
from tests.support.paths import ROOT

RECORD = ROOT / "host" / "web.json"
TURNS, ROUNDS = 4, 5
STEP_NS = """async ([pcm, name, rounds]) => {
    const {WasmPipeline} = await import("./devices/wasm_module.js");
    const index = await (await fetch("models/index.json")).json();
    const model = index.models.find((model) => model.name === name);
    const pipeline = await WasmPipeline.load(fetch(`models/${model.module}`), model);
    const {exports} = pipeline;
    let best = Infinity;
    const capacity = exports.kws_pcm_capacity();
    const place = new Int16Array(exports.memory.buffer, exports.kws_pcm(), capacity);
    const samples = Int16Array.from(pcm);
    for (let round = 0; round < rounds; ++round) {
        exports.kws_reset();
        pipeline.steps = [];
        const start = performance.now();
        for (let at = 0; at < samples.length; at += capacity) {
            const piece = samples.subarray(at, at + capacity);
            place.set(piece);
            exports.kws_push(piece.length);
        }
        best = Math.min(best, (1e6 * (performance.now() - start)) / pipeline.steps.length);
    }
    return best;
}"""


def main() -> int:
    """Builds, runs, writes. Returns 0."""
    pcm = np.concatenate([read_wav(path) for path in sorted(WORDS.rglob("*.wav"))])
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page_folder = Path(folder) / "page"
        entries = web.build(list(web.RELEASED), page_folder)
        raw = Path(folder) / "words.pcm"
        pcm.astype("<i2").tofile(raw)
        record: dict[str, Any] = {"browser": f"Chromium {browser.version}", "models": {}}
        with serving(page_folder) as root, page_of(browser, root) as page:
            web_page.wait_ready(page)
            for path, entry in zip(web.RELEASED, entries, strict=True):
                program = _native(path, Path(folder) / Bundle.load(path).name)
                wasm_ns, native_ns = [], []
                for _ in range(TURNS):
                    wasm_ns.append(page.evaluate(STEP_NS, [pcm.tolist(), entry["name"], ROUNDS]))
                    with raw.open("rb") as words:
                        done = subprocess.run([program], stdin=words, capture_output=True, check=True)
                    native_ns.append(float(done.stdout))
                module = (page_folder / web.MODELS / entry["module"]).read_bytes()
                record["models"][entry["name"]] = {
                    "wasm_step_us": round(min(wasm_ns) / 1000, 1),
                    "native_step_us": round(min(native_ns) / 1000, 1),
                    "module_bytes": len(module),
                    "module_gzip_bytes": len(gzip.compress(module, 9, mtime=0)),
                }
                print(entry["name"], json.dumps(record["models"][entry["name"]]), flush=True)
        record["page_bytes"] = _size(page_folder, but=web.MODELS)
        record["words_bytes"] = (page_folder / web.MODELS / web.DEMO).stat().st_size
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def _native(bundle: Path, generated: Path) -> Path:
    """The program `web_main` of a bundle, compiled as PlatformIO's environment `native` is."""
    web.generate(bundle, generated)
    files = [ROOT / "tests/integration/native/web_main.cc", *sources.web_files(generated)]
    return native.build(
        f"web_{generated.name}", files, includes=["firmware/src", generated], flags=["-O2", "-DNDEBUG"], sanitize=False
    )


def _size(folder: Path, but: str) -> int:
    """Bytes of the files below a folder, less those of one that lies there."""
    files = (path for path in folder.rglob("*") if path.is_file() and but not in path.relative_to(folder).parts)
    return sum(path.stat().st_size for path in files)


if __name__ == "__main__":
    sys.exit(main())
