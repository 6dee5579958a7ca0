import { cellText, isNull, type ColumnKind } from "./cell";
import { escapeControls } from "./escape";
import { counted } from "./footer";
import type { Paint } from "./paint";
import { padLine, paintedLines, type PaintedLine, type Piece } from "./painted-text";
import { renderAs } from "./render-as";
import { resultSet, type ResultSet } from "./result-set";
import { TableFrame } from "./table-frame";
import { displayWidth, pad } from "./width";

/** One attribute of an object as it is shown. */
export interface RecordField {
  readonly name: string;
  readonly value: unknown;
  readonly kind?: ColumnKind;
  /** What the database holds, when the object holds something else: shown as `old → new`. */
  readonly old?: unknown;
  /** Whether the value has never been written to the database. */
  readonly pending?: boolean;
  /** A remark after the value, for example "default of the database". */
  readonly note?: string;
}

/** One object with its state, ready to be drawn. */
export interface ObjectRecord {
  readonly [renderAs]: "record";
  /** What it is and how it stands: `User #3 · persistent`. */
  readonly title?: string;
  readonly fields: readonly RecordField[];
}

/** Makes a record of a title and fields; a field with the key `old` is a changed one. */
export function record(parts: Omit<ObjectRecord, typeof renderAs>): ObjectRecord {
  return { [renderAs]: "record", ...parts };
}

/** The values of a record as a result of one row, for the formats that know rows only. */
export function recordAsRow({ fields }: ObjectRecord): ResultSet {
  const columns = fields.map(({ name, kind = "unknown" }) => ({ name, kind }));
  return resultSet({ columns, rows: [fields.map((field) => field.value)] });
}

/** A value on the screen has at most so many lines; what is left is counted. */
const mostLines = 20;
/** Below this the values of a record are not broken any further. */
const narrowestValue = 12;

/**
 * Draws one object as a title and a table of two columns, names and values.
 *
 * A value too wide for the screen is broken into lines, not cut: this is where people look to see
 * the whole of it.
 *
 * @param width  columns of the screen; undefined for one line a value, however long
 */
export function drawRecord({ title, fields }: ObjectRecord, paint: Paint, width?: number): string {
  const heading = title === undefined ? "" : paint.bold(escapeControls(title)) + "\n";
  if (fields.length === 0) return heading;
  const names = fields.map((field) => escapeControls(field.name));
  const nameWidth = Math.max(...names.map(displayWidth));
  const room = width === undefined ? undefined : Math.max(narrowestValue, width - nameWidth - 7);
  const values = fields.map((field) => shorten(paintedLines(pieces(field, paint), room), paint, width));
  const valueWidth = Math.max(...values.flat().map((line) => line.width));
  const frame = new TableFrame([nameWidth, valueWidth], paint);
  const lines = values.flatMap((value, index) =>
    value.map((line, number) => {
      const name = pad(number === 0 ? names[index]! : "", nameWidth);
      return frame.line([paint.bold(name), padLine(line, valueWidth)]);
    }),
  );
  return heading + frame.top + lines.join("") + frame.bottom;
}

/** `old → new (pending, note)`, as far as the field has them. */
function pieces(field: RecordField, paint: Paint): Piece[] {
  const remarks = [field.pending ? "pending" : "", escapeControls(field.note ?? "")].filter((remark) => remark !== "");
  const current = valuePiece(field.value, field.kind, paint);
  const isChanged = "old" in field;
  return [
    ...(isChanged ? [{ ...valuePiece(field.old, field.kind, paint), brush: paint.dim }, { text: " → " }] : []),
    isChanged && current.brush === undefined ? { ...current, brush: paint.yellow } : current,
    ...(remarks.length > 0 ? [{ text: ` (${remarks.join(", ")})`, brush: paint.dim }] : []),
  ];
}

function valuePiece(value: unknown, kind: ColumnKind | undefined, paint: Paint): Piece {
  return { text: cellText(value, kind), brush: isNull(value) ? paint.dim : undefined };
}

function shorten(lines: PaintedLine[], paint: Paint, width: number | undefined): PaintedLine[] {
  if (width === undefined || lines.length <= mostLines) return lines;
  const rest = `… ${counted(lines.length - mostLines, "more line")}`;
  return [...lines.slice(0, mostLines), { text: paint.dim(rest), width: displayWidth(rest) }];
}
