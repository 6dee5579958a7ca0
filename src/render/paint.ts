import { createRequire } from "node:module";

type Brush = (text: string) => string;

/** The few styles of the output, each a function from text to text. */
export interface Paint {
  readonly dim: Brush;
  readonly bold: Brush;
  readonly red: Brush;
  readonly green: Brush;
  readonly yellow: Brush;
  readonly blue: Brush;
  readonly magenta: Brush;
  readonly cyan: Brush;
}

const same: Brush = (text) => text;
const plain: Paint = {
  dim: same,
  bold: same,
  red: same,
  green: same,
  yellow: same,
  blue: same,
  magenta: same,
  cyan: same,
};

let coloured: Paint | undefined;

/** The styles as terminal colours, or as nothing; whatever chalk thinks of the process's own output. */
export function paint(color: boolean): Paint {
  return color ? (coloured ??= loadChalk()) : plain;
}

/** Chalk with a level of its own: the sixteen colours, which follow the terminal's theme. */
function loadChalk(): Paint {
  // Loaded at the first colour: a pipe never needs it.
  const { Chalk } = createRequire(__filename)("chalk") as typeof import("chalk");
  return new Chalk({ level: 1 });
}
