import { inspect, type InspectOptions } from "node:util";
import { escapeControls } from "./escape";

/** How a JavaScript value is shown. */
export interface ValueOptions {
  readonly color: boolean;
  /** Columns of the screen; undefined when there is none, and nothing is left out. */
  readonly width?: number;
  /** A text as it is, without quotes. */
  readonly bareStrings?: boolean;
}

/** What `util.inspect` writes for its colours. */
// eslint-disable-next-line no-control-regex -- the escape sequences are what is looked for
const inspectColors = /(\x1b\[(?:1|3|4|22|23|24|3[1-9]|90)m)/;
const closers = [22, 23, 24, 39].map((code) => `\x1b[${code}m`);

/**
 * Text of any JavaScript value as the Node prompt shows it; no getter is run.
 *
 * Texts that inspect passes through raw (messages, names of classes and symbols) cannot drive the
 * terminal: control characters are escaped, but for the colours.
 */
export function valueText(value: unknown, { color, width, bareStrings = false }: ValueOptions): string {
  if (bareStrings && typeof value === "string") return escapeControls(value, "\n\t");
  const whole = width === undefined ? { maxArrayLength: Infinity, maxStringLength: Infinity } : {};
  const text = inspected(value, { colors: color, depth: 4, breakLength: width ?? 80, ...whole });
  if (!color) return escapeControls(text, "\n");
  const parts = text.split(inspectColors).map((part, index) => (index % 2 === 0 ? escapeControls(part, "\n") : part));
  // A colour that data brought along ends with the value.
  const last = parts.at(-2);
  return parts.join("") + (last === undefined || closers.includes(last) ? "" : closers.join(""));
}

function inspected(value: unknown, options: InspectOptions): string {
  try {
    return inspect(value, options);
  } catch (error) {
    return `<not shown: ${error instanceof Error ? error.message : "its inspect method failed"}>`;
  }
}
