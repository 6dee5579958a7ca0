import { drawSingle, type Single } from "./draw-single";
import { escapeControls } from "./escape";
import { counted, groupDigits } from "./footer";
import { paint } from "./paint";
import { renderAs } from "./render-as";
import { isForPeople, type RenderOptions } from "./render-options";
import { asRenderable, type Page, type Renderable } from "./renderable";
import type { ResultSet } from "./result-set";
import { rowWriter } from "./row-format";
import { drawArrivingRows, drawRows, inChunks, type RowWriter } from "./row-writer";

/**
 * Text of anything: results, records and plans in their own look, other values as at the Node prompt.
 *
 * @returns whole lines without the last line break; empty for what has nothing to show
 * @throws {TypeError} when rows arrive asynchronously: `renderTo` waits for them
 */
export function render(value: unknown, options: RenderOptions): string {
  let text = "";
  for (const chunk of chunks(asRenderable(value), options)) text += chunk;
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/**
 * Writes the text of anything in chunks, so that a large result never stands in memory whole.
 *
 * The text is that of `render`, with its last line break. The next chunk is made when `write` has
 * settled; when it fails, the rows are closed and its error is passed on.
 */
export async function renderTo(
  write: (chunk: string) => void | Promise<void>,
  value: unknown,
  options: RenderOptions,
): Promise<void> {
  const target = asRenderable(value);
  const rows = rowsOf(target, options);
  if (rows === undefined || Symbol.iterator in rows.set.rows) {
    for (const chunk of chunks(target, options)) await write(chunk);
    return;
  }
  let chunk = rows.title;
  for await (const piece of drawArrivingRows(rows.writer, rows.set, options.limit)) {
    chunk += piece;
    if (chunk.length < 65_536) continue;
    await write(chunk);
    chunk = "";
  }
  if (chunk !== "") await write(chunk);
}

function* chunks(target: Renderable, options: RenderOptions): Generator<string> {
  const rows = rowsOf(target, options);
  if (rows === undefined) {
    yield drawSingle(target as Single, options);
    return;
  }
  if (rows.title !== "") yield rows.title;
  yield* inChunks(drawRows(rows.writer, rows.set, options.limit));
}

interface DrawnRows {
  readonly set: ResultSet;
  readonly writer: RowWriter;
  readonly title: string;
}

/** The rows of what has rows, with what draws them. */
function rowsOf(target: Renderable, options: RenderOptions): DrawnRows | undefined {
  switch (target[renderAs]) {
    case "rows":
      return { set: target, writer: rowWriter(target, options), title: titleOf(target, options) };
    case "page": {
      const footer = pageFooter(target);
      const writer = rowWriter(target.items, options, () => footer);
      return { set: target.items, writer, title: titleOf(target.items, options) };
    }
    default:
      return undefined;
  }
}

function titleOf({ title }: ResultSet, { format, color }: RenderOptions): string {
  return title !== undefined && isForPeople(format) ? paint(color).bold(escapeControls(title)) + "\n" : "";
}

/** `page 2 of 7 · 20 per page · 132 rows`. */
function pageFooter({ page, perPage, total }: Page): string {
  const pages = total === null ? "" : ` of ${groupDigits(Math.ceil(total / perPage))}`;
  const rows = total === null ? [] : [counted(total, "row")];
  return [`page ${groupDigits(page)}${pages}`, `${groupDigits(perPage)} per page`, ...rows].join(" · ");
}
