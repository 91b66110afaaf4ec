"""Parts of the page, each on its own in the browser: devices' queue, rings, spectra, filters, the module."""

import zlib

import numpy as np
import pytest
from kws_firmware import web

from tests.support import web_page
from tests.support.chromium import page_of

QUEUE = """async () => {
    const {Device} = await import("./devices/device.js");
    const losses = [];
    class Slow extends Device {
        constructor() { super({onLoss: (now, all) => losses.push([now, all])}, 1000); this.got = []; }
        take(pcm) { this.got.push(pcm.length); }
        async restart() {}
    }
    const device = new Slow();
    const found = {};
    found.taken = [400, 600, 1, 300].map((count) => device.push(new Int16Array(count)));
    device.settled(500);
    found.afterwards = device.push(new Int16Array(500));
    found.losses = losses;
    let fed = false;
    const feeding = device.feed(new Int16Array(700)).then(() => (fed = true));
    await new Promise((resolve) => setTimeout(resolve));
    found.fedTooEarly = fed;
    device.settled(250); device.settled(250); device.settled(250);
    await feeding;
    found.pending = device.pendingSamples;
    found.got = [...device.got];
    const drained = device.drain();
    device.settled(1e9);
    await drained;
    await device.reset();
    found.dropped = device.droppedSamples;
    device.push(new Int16Array(10));
    const closed = device.drain();
    device.fail("gone");
    found.rejected = await closed.then(() => false, (error) => error.message);
    found.afterClose = device.push(new Int16Array(1));
    return found;
}"""

RING = """async ([capacity, pieces]) => {
    const {Ring} = await import("./ring.js");
    const ring = new Ring(Int16Array, 2, capacity);
    let next = 0;
    const found = [];
    for (const rows of pieces) {
        ring.push(Int16Array.from({length: 2 * rows}, () => next++));
        const last = ring.end > ring.first ? [...ring.row(ring.end - 1)] : [];
        found.push([ring.first, ring.end, ring.all().length ? [...ring.row(ring.first)] : [], last]);
    }
    return found;
}"""


def run(browser, address, script, argument=None):
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        return page.evaluate(script, argument)


def test_device_that_is_slow_counts_what_it_drops_and_lets_recordings_wait(browser, address):
    found = run(browser, address, QUEUE)
    assert found["taken"] == [True, True, False, False] and found["losses"][:2] == [[1, 1], [300, 301]]
    assert found["afterwards"] and not found["fedTooEarly"]
    assert found["got"] == [400, 600, 500, 250, 250, 200] and found["pending"] == 950
    assert (
        found["dropped"] == 0
        and found["rejected"] == "The device was closed."
        and not found["afterClose"]
        and found["losses"][2:] == [[1, 1]]
    )


def test_ring_keeps_the_last_rows_in_order(browser, address):
    capacity, pieces = 3000, [1, 700, 0, 1000, 1299, 1, 2500, 2999, 3000, 1]
    found = run(browser, address, RING, [capacity, pieces])
    ends = np.cumsum(pieces).tolist()
    for end, (first, last, oldest, newest) in zip(ends, found, strict=True):
        assert (first, last) == (max(0, end - capacity), end)
        assert oldest == [_int16(2 * first), _int16(2 * first + 1)] and newest == [
            _int16(2 * end - 2),
            _int16(2 * end - 1),
        ]


def _int16(value: int) -> int:
    return (value + 2**15) % 2**16 - 2**15


def test_spectrum_is_that_of_numpy(browser, address):
    samples = np.random.default_rng(3).normal(0, 1000, 512)
    script = """async (samples) => {
        const {Spectrum} = await import("./audio/fft.js");
        return [...new Spectrum(samples.length).power((i) => samples[i])];
    }"""
    found = np.array(run(browser, address, script, samples.tolist()))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    expected = np.abs(np.fft.rfft(samples * hann)[:256]) ** 2
    # Both in double precision, with sums in another order.
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-3)


RESAMPLE = """async ([samples, from, to, piece]) => {
    const {Resampler, resample} = await import("./audio/resample.js");
    const resampler = new Resampler(from, to);
    const parts = [];
    for (let at = 0; at < samples.length; at += piece) parts.push(...resampler.push(samples.slice(at, at + piece)));
    return [[...resample(samples, from, to)], parts];
}"""


@pytest.mark.parametrize("rate", [44100, 48000, 96000, 44099])
def test_resampler_keeps_what_is_heard_and_nothing_above(browser, address, rate):
    time = np.arange(rate // 4) / rate
    found = {}
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        for tone_hz in (7000, 8100):
            tone = np.sin(2 * np.pi * tone_hz * time)
            whole, parts = page.evaluate(RESAMPLE, [tone.tolist(), rate, 16000, 321])
            assert parts == whole[: len(parts)] and len(whole) - len(parts) <= 65
            found[tone_hz] = np.array(whole)
    inside = slice(200, 3800)
    expected = np.sin(2 * np.pi * 7000 * np.arange(4000) / 16000)
    # What the window promises: a ripple and leaks of 90 dB below, less a margin.
    assert np.abs((found[7000][:4000] - expected)[inside]).max() < 1e-4
    assert np.abs(found[8100][inside]).max() < 1e-4


MODULE = """async ([list, pcm, pieces]) => {
    const {WasmPipeline} = await import("./devices/wasm_module.js");
    const index = await (await fetch(list)).json();
    const found = [];
    for (const model of index.models) {
        const address = `models/${model.module}`;
        const module = await WebAssembly.compile(await (await fetch(address)).arrayBuffer());
        const pipeline = await WasmPipeline.load(fetch(address), model);
        const samples = Int16Array.from(pcm);
        const plain = (steps) => steps.map(({step, audioCrc, scores}) => [step, audioCrc, [...scores]]);
        const whole = plain(pipeline.push(samples));
        pipeline.reset();
        const steps = [];
        for (let at = 0, i = 0; at < samples.length; at += pieces[i++ % pieces.length]) {
            steps.push(...pipeline.push(samples.subarray(at, at + pieces[i % pieces.length])));
        }
        const tooMany = pipeline.exports.kws_push(pipeline.exports.kws_pcm_capacity() + 1);
        const imports = WebAssembly.Module.imports(module);
        const pages = pipeline.exports.memory.buffer.byteLength / 65536;
        found.push({imports, pages, whole, pieces: plain(steps), tooMany, info: pipeline.info});
    }
    return found;
}"""


def test_module_imports_one_function_and_takes_pieces_of_any_size(browser, address, words):
    pcm = words[1][:48000]
    found = run(browser, address, MODULE, ["models/index.json", pcm.tolist(), [1, 320, 7, 1601, 159, 4000]])
    assert len(found) == len(web.RELEASED)
    for bundle, module in zip(web.RELEASED, found, strict=True):
        assert module["imports"] == [{"module": "kws", "name": "on_step", "kind": "function"}]
        expected = [[step["step"], step["audio_crc"], step["scores"]] for step in web_page.expected_steps(bundle, pcm)]
        assert expected[-1][1] == zlib.crc32(pcm[: 480 + 160 + 320 * (len(expected) - 1)].tobytes())
        assert module["whole"] == expected and module["pieces"] == expected
        assert module["tooMany"] != 0 and module["pages"] <= 8
        assert module["info"]["firmwareVersion"] == "0.1.0"


def test_controls_have_names_and_can_be_reached_by_keyboard(browser, address):
    with page_of(browser, address) as page:
        web_page.wait_ready(page)
        for role, name in (("button", "Listen"), ("button", "Play spoken words"), ("button", "Open a recording…")):
            assert page.get_by_role(role, name=name, exact=True).is_enabled()
        for name in ("Runs on", "Model", "Show", "Look back", "Play recordings aloud, in real time"):
            assert page.get_by_label(name).count() == 1, name
        seen = []
        for _ in range(9):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert seen[:7] == ["skip", "device", "model", "listen", "demo", "open", "aloud"]
        page.focus("#demo")
        page.keyboard.press("Enter")
        page.wait_for_selector("#stop:enabled")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_of_any_width_does_not_scroll_sideways(browser, address, width):
    with page_of(browser, address, viewport={"width": width, "height": 800}) as page:
        web_page.wait_ready(page)
        page.click("details summary")
        assert page.evaluate("document.documentElement.scrollWidth") == width
