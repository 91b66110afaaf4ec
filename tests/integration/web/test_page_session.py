"""What the page keeps of a device, and how it ends one: its session in a browser, in front of made-up devices."""

import pytest

from tests.support import firmware
from tests.support.chromium import chromium, page_of
from tests.support.serial_bridge import STAND_IN, bridge

INFO = """
const INFO = {
    device: "made up", engine: "aot", firmwareVersion: "1", modelName: "m", modelSha256: "00", labels: ["a", "b"],
    sampleRateHz: 16000, windowSamples: 480, hopSamples: 160, framesPerStep: 2, featureCount: 2, smoothingSteps: 1,
    thresholdsQ15: [1, 1], source: "board",
};
const step = (index, detection = null) => ({
    step: index, audioCrc: 0, scores: new Int8Array(2), features: null, topLabel: 0, topSmoothedQ15: 0, detection,
    cost: null,
});
"""

HISTORY = (
    f"async () => {{{INFO}"
    + """
    const {History} = await import("/history.js");
    const history = new History(INFO);
    const piece = (value) => Int16Array.of(value, value);
    const found = {};
    history.addPcm(piece(1), 0);
    history.addPcm(piece(2), 2);
    history.addPcm(piece(3), 6); // two samples are missing before it
    found.pcm = [...history.pcm.all()];
    found.missed = history.missedSamples;
    history.addPcm(piece(4), 0); // it began again
    found.again = [history.pcm.first, ...history.pcm.all(), history.missedSamples];
    history.addPcm(piece(5), 1e9); // more than is kept
    found.late = [history.pcm.first, ...history.pcm.all(), history.missedSamples];
    history.pcm.restart(2 ** 32 - 2);
    for (const first of [2 ** 32 - 2, 0]) history.addPcm(piece(6), first); // the position wraps
    found.wrapped = [history.pcm.end - 2 ** 32, history.missedSamples - found.late[3]];
    for (let index = 0; index < 40000; ++index) history.addStep(step(index, {label: 1, smoothedQ15: 1}));
    found.detections = [history.detections.length, history.detections[0].step - history.firstStep];
    history.addStep(step(50000, {label: 1, smoothedQ15: 1}));
    found.afterGap = history.detections.map(({step}) => step);
    return found;
}"""
)

SESSION = (
    f"async () => {{{INFO}"
    + """
    const {Session} = await import("/session.js");
    const {Device} = await import("/devices/device.js");
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    const found = {messages: []};
    const session = new Session({onChange() {}, onDetection() {}, onMessage: (...words) => found.messages.push(words)});
    let source = "board";
    let closed = 0;
    let closing = Promise.resolve();
    class MadeUp extends Device {
        async open() {
            this.begin(7);
            await turn();
            return {...INFO, source};
        }
        take() { this.pushed = (this.pushed ?? 0) + 1; }
        async restart() {
            this.handlers.onHeard?.(Int16Array.of(9), 100); // of before
            this.begin(8);
            await turn();
        }
        begin(value) {
            this.handlers.onBegin?.();
            this.handlers.onHeard?.(Int16Array.of(value, value), 0);
            this.handlers.onSteps?.([step(0)]);
            this.handlers.onHeard?.(Int16Array.of(value), 2);
        }
        async close() { closed += 1; this.ended(); await closing; }
    }
    const kind = {create: (options, handlers) => new MadeUp(handlers)};
    const kept = () => {
        const {pcm, endStep, missedSamples, missedSteps} = session.history;
        return [[...pcm.all()], endStep, missedSamples, missedSteps];
    };

    await session.open(kind, {});
    found.opened = kept();
    await session.reset();
    found.reset = kept();
    session.device.begin(5);
    session.onRestart("It restarted.");
    found.restarted = kept();

    source = "page";
    await session.open(kind, {});
    const playing = session.playRecording(new Int16Array(16000 * 60), true);
    while (!(session.device.pushed > 2)) await turn();
    session.device.handlers.onRestart("The board restarted.");
    found.wasPlayed = await Promise.race([playing, new Promise((resolve) => setTimeout(resolve, 5000, "it goes on"))]);
    found.source = session.source;

    closed = 0;
    let isReleased = false;
    closing = turn().then(() => (isReleased = true));
    session.device.fail("It failed.");
    await session.open(kind, {});
    found.openedAfterwards = isReleased;
    found.closed = closed;

    const {device} = session;
    device.restart = () => new Promise((_, reject) => (device.refuse = reject));
    const resetting = session.reset().catch((error) => error.message);
    device.close = async () => device.refuse(new Error("The device was closed."));
    device.fail("It failed.");
    device.refuse(new Error("It failed."));
    found.reason = await resetting;
    return found;
}"""
)

PORT = """async () => {
    const {SerialDevice} = await import("/devices/serial.js");
    const device = new SerialDevice({}, {});
    await device.open();
    const port = device.port;
    device.fail("The engine failed.");
    await Promise.all([device.close(), device.close()]);
    return [port.readable === null, port.writable === null];
}"""

WORKER = """async () => {
    const {WasmDevice} = await import("/devices/wasm.js");
    const device = new WasmDevice({}, {});
    device.worker = {postMessage() {}, terminate() {}};
    const resets = [device.restart(), device.restart()];
    device.onMessage({done: "reset"});
    device.onMessage({done: "reset"});
    const late = new Promise((_, reject) => setTimeout(reject, 5000, new Error("one waits")));
    await Promise.race([Promise.all(resets), late]);
    const broken = device.restart();
    device.broken("It broke.");
    return broken.then(() => "", (error) => error.message);
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def web():
    with firmware.running(firmware.fake_firmware()) as board, bridge(board.port) as server:
        yield server


def run(browser, web, script, *, click=False):
    with page_of(browser, f"{web.url}tests/blank.html", scripts=[STAND_IN]) as page:
        if click:
            page.click("p")
        return page.evaluate(script)


def test_history_of_a_lossy_wire_keeps_sound_and_steps_together_and_counts(browser, web):
    found = run(browser, web, HISTORY)
    assert found["pcm"] == [1, 1, 2, 2, 0, 0, 3, 3] and found["missed"] == 2
    assert found["again"] == [0, 4, 4, 2]
    assert found["late"] == [1e9, 5, 5, 2 + 1e9 - 2]
    assert found["wrapped"] == [2, 0]
    assert found["detections"] == [30000, 0] and found["afterGap"] == [50000]


def test_session_of_a_board_that_hears_by_itself_has_its_first_samples_and_steps(browser, web):
    found = run(browser, web, SESSION)
    assert [found["opened"], found["reset"], found["restarted"]] == [[[n, n, n], 1, 0, 0] for n in (7, 8, 5)]


def test_session_ends_a_recording_at_a_restart_and_closes_a_device_that_failed(browser, web):
    found = run(browser, web, SESSION)
    assert found["wasPlayed"] is False and found["source"] == "idle"
    told = "The board restarted. The recording was not heard to its end: play it again."
    assert ["error", told] in found["messages"] and ["note", "It restarted."] in found["messages"]
    assert found["closed"] == 1 and found["openedAfterwards"] and found["reason"] == "It failed."


def test_port_of_a_board_that_failed_is_given_back(browser, web):
    assert run(browser, web, PORT, click=True) == [True, True]


def test_worker_that_is_asked_twice_answers_twice(browser, web):
    assert run(browser, web, WORKER) == "It broke."
