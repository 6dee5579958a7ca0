import type { Writable } from "node:stream";

/** What Node keeps of a stream that is written to, as far as it is needed here. */
interface WritingStream {
  readonly _writableState?: { readonly writing?: boolean; readonly onwrite?: (error?: Error | null) => void };
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * Ends a write that was cut off in the middle.
 *
 * Stopping JavaScript stops it anywhere, also inside of `console.log`; the stream then waits for ever for a write that was done, and
 * holds back all that is written later. Where the system has nothing of it left to write, the stream is told so.
 */
export function releaseStuckOutput(stream: Writable): void {
  const { _writableState: state, _handle: handle } = stream as unknown as WritingStream;
  if (state?.writing !== true || handle?.writeQueueSize !== 0) return;
  state.onwrite?.();
}
