import { fstatSync } from "node:fs";

/** Resources that pipes and sockets show as. */
const STREAMS = new Set(["PipeWrap", "TCPSocketWrap", "TLSWrap", "TTYWrap"]);

/**
 * Whether nothing can happen in this process any more, except on some connections that nothing was asked of: no timer, no request, no
 * other socket, no child.
 *
 * An open connection keeps a process alive. One that nothing was asked of has nothing to say, so that what waits waits for ever.
 *
 * @param connections  how many of the open sockets are such connections
 */
export function isQuiet(connections: number): boolean {
  const resources = process.getActiveResourcesInfo();
  const streams = resources.filter((kind) => STREAMS.has(kind));
  return streams.length === resources.length && streams.length <= connections + standardStreams();
}

/** How many of the standard streams are pipes or terminals: the others are no resources. */
function standardStreams(): number {
  return [0, 1, 2].filter((descriptor) => {
    try {
      const found = fstatSync(descriptor);
      return found.isFIFO() || found.isSocket() || found.isCharacterDevice();
    } catch {
      return false; // closed
    }
  }).length;
}

/**
 * Calls a function once, when the process was quiet at two looks in a row: between two looks, whatever was ready has happened.
 *
 * @param connections  how many connections wait for nothing; undefined while the database works
 * @returns a function that ends the looking
 */
export function whenQuiet(connections: () => number | undefined, tell: () => void): () => void {
  let wasQuiet = false;
  const timer = setInterval(() => {
    const idle = connections();
    const quiet = idle !== undefined && isQuiet(idle);
    if (quiet && wasQuiet) {
      clearInterval(timer);
      tell();
    }
    wasQuiet = quiet;
  }, LOOK_MS).unref();
  return () => {
    clearInterval(timer);
  };
}

const LOOK_MS = 150;
