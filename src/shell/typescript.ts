import { loadCached } from "./code-cache";

/**
 * The TypeScript compiler, loaded when the first module that needs it is.
 *
 * Everything in this room that reads TypeScript takes it from here, so that the way it is loaded is decided once.
 */
export const ts = loadCached<typeof import("typescript")>("typescript");
