/** A recording sent to a device as fast as it takes it, or aloud in real time. */

const PIECE_S = 0.02;

/**
 * @param {Int16Array} pcm
 * @param {number} rateHz
 * @param {Object} how
 * @param {boolean} how.aloud in real time, through the loudspeaker; else as fast as the device computes.
 * @param {function(Int16Array): Promise<void>} how.feed waits for room.
 * @param {function(Int16Array): void} how.push never waits.
 * @param {AbortSignal} how.signal ends it.
 * @returns {Promise<void>} resolved at the end, or when it was ended.
 */
export async function play(pcm, rateHz, { aloud, feed, push, signal }) {
  const piece = Math.round(rateHz * PIECE_S);
  const context = aloud ? startSound(pcm, rateHz) : null;
  const start = performance.now();
  try {
    for (let at = 0; at < pcm.length && !signal.aborted; at += piece) {
      const samples = pcm.slice(at, at + piece);
      if (!aloud) {
        await feed(samples);
        continue;
      }
      // A piece is heard when its last sample has sounded, as a microphone would have it.
      await until(start + (1000 * (at + samples.length)) / rateHz);
      if (!signal.aborted) push(samples);
    }
  } finally {
    context?.close();
  }
}

function startSound(pcm, rateHz) {
  try {
    const context = new AudioContext();
    const buffer = context.createBuffer(1, pcm.length, rateHz);
    buffer.copyToChannel(Float32Array.from(pcm, (value) => value / 32768), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start();
    return context;
  } catch {
    return null; // without a loudspeaker it is still worth watching
  }
}

function until(time) {
  const left = time - performance.now();
  return left <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, left));
}
