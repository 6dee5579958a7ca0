import { createRequire } from "node:module";

/**
 * The TypeScript compiler, loaded when the first module that needs it is.
 *
 * Everything in this room that reads TypeScript takes it from here, so that the way it is loaded is decided once.
 */
export const ts = createRequire(__filename)("typescript") as typeof import("typescript");
