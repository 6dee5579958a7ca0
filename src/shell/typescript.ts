import { loadCached } from "./code-cache";

/**
 * The TypeScript compiler, once {@link needTypeScript} was called.
 *
 * Everything in this room that reads TypeScript takes it from here, so that the way it is loaded is decided once. It is loaded when the
 * first text needs it, which the simplest do not (simple-input.ts).
 */
export let ts = undefined as unknown as typeof import("typescript");

/** Loads the compiler; costs a moment, once. */
export function needTypeScript(): void {
  // The binding above says that it is there; until now it was not.
  (ts as typeof ts | undefined) ??= loadCached<typeof import("typescript")>("typescript");
}
