// One phase of one peer, in this process: node bench/session-phase.mjs <peer> <phase> <url> <count>
// Prints its milliseconds and the resident memory while its objects are held. What a phase needs beforehand is not timed.
import { performance } from "node:perf_hooks";

const [peer, phase, url, count] = process.argv.slice(2);
const { open } = await import(`./peers/${peer}.mjs`);
const phases = await open(url);

let ms = 0;
/** Times a piece of a phase. */
async function timed(work) {
  const start = performance.now();
  const result = await work();
  ms += performance.now() - start;
  return result;
}

const held = await phases[phase](timed, Number(count));
const rss = process.memoryUsage().rss;
if (Array.isArray(held) && held.length !== Number(count))
  throw new Error(`Expected ${count} objects, got ${held.length}.`);
await phases.close?.();
console.log(JSON.stringify({ ms, rss }));
// A peer may keep its pool open.
process.exit(0);
