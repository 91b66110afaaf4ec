/**
 * What a test does with a device of the page, outside of it: run(base, module, name, options, tasks) opens one and does the
 * tasks in turn:
 *
 *     {feed: base64 of little-endian PCM}   feeds and drains
 *     {push: [base64, ...]}                 pushes the pieces and drains
 *     {reset: true}                         resets
 *     {wait: name}                          waits until a handler was called
 *     {steps: n, take: index}               waits for so many steps of a take, which begins with step 0
 *
 * Returns {info, takes: [[step, ...], ...], calls: [[handler, ...arguments], ...]}; typed arrays become lists.
 */
const unpacked = (text) => new Int16Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const DEADLINE_MS = 30000; // ends what would hang
const plain = (step) => ({ ...step, scores: [...step.scores], features: step.features && [...step.features] });

export async function run(base, module, name, options, tasks) {
  const { [name]: Kind } = await import(new URL(`devices/${module}.js`, base).href);
  const takes = [[]];
  const calls = [];
  const waiting = [];
  const look = () => waiting.forEach((check) => check());
  const until = (condition) =>
    new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`nothing came of ${condition}: ${JSON.stringify(calls.slice(0, 9))}`)), DEADLINE_MS);
      const check = () => condition() && resolve();
      waiting.push(check);
      check();
    });
  const note = (handler) => (...values) => {
    calls.push([handler, ...values.map((value) => (ArrayBuffer.isView(value) ? [...value] : value))]);
    look();
  };
  const handlers = {
    onSteps: (steps) => {
      for (const step of steps) {
        if (step.step === 0 && takes.at(-1).length) takes.push([]);
        takes.at(-1).push(plain(step));
      }
      look();
    },
  };
  for (const handler of ["onLoss", "onError", "onState", "onRestart", "onHeard"]) handlers[handler] = note(handler);
  Object.assign(window, { callsOfTest: calls, takesOfTest: takes });
  const device = Kind.length === 1 ? new Kind(handlers) : new Kind(options, handlers);
  const info = await device.open();
  try {
    for (const task of tasks) {
      if (task.feed) {
        try {
          await device.feed(unpacked(task.feed));
          await device.drain();
        } catch (error) {
          calls.push(["feed", error.message]);
        }
      }
      for (const piece of task.push ?? []) device.push(unpacked(piece)); // at once: there is no time to take any
      if (task.push) await device.drain();
      if (task.reset) await device.reset();
      if (task.wait) await until(() => calls.some(([handler]) => handler === task.wait));
      if (task.steps) await until(() => takes.length > task.take && takes[task.take].length >= task.steps);
    }
  } finally {
    await device.close();
  }
  return { info, takes, calls };
}
