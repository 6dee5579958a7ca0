import { escapeControls } from "./escape";
import { drawFailure, failureJson } from "./failure";
import { counted } from "./footer";
import { standardLiteral } from "./formats/insert";
import { csv, SeparatedWriter, tsv } from "./formats/separated";
import { jsonText } from "./json-text";
import { paint } from "./paint";
import { drawPlan } from "./plan";
import { drawRecord, recordAsRow, type ObjectRecord } from "./record";
import { renderAs } from "./render-as";
import { aside, isForPeople, type RenderOptions } from "./render-options";
import type { Page, Renderable } from "./renderable";
import type { ResultSet } from "./result-set";
import { rowWriter } from "./row-format";
import { drawRows } from "./row-writer";
import { drawSql, type Sql } from "./sql";
import { valueText } from "./value";

/** What has a look of its own but no rows to go through. */
export type Single = Exclude<Renderable, ResultSet | Page>;

/** Draws anything but rows, in whole lines. */
export function drawSingle(target: Single, options: RenderOptions): string {
  const colors = paint(options.color);
  const isJson = options.format === "json" || options.format === "jsonl";
  switch (target[renderAs]) {
    case "record":
      return drawObject(target, options);
    case "count":
      return isForPeople(options.format)
        ? `${counted(target.rows, "row")} ${escapeControls(target.done)}\n`
        : drawValue(target.rows, options);
    case "sql":
      return isJson ? drawValue(statementsOf(target), options) : drawStatements(target, options);
    case "plan": {
      if (isJson) return drawValue(target.nodes, options);
      return drawPlan(target, colors) + (target.note === undefined ? "" : aside(target.note, options));
    }
    case "failure":
      return isJson ? failureJson(target) : drawFailure(target, colors);
    case "note":
      return aside(target.text, options);
    case "scalar":
      return drawValue(target.value, options);
  }
}

function drawObject(target: ObjectRecord, options: RenderOptions): string {
  if (isForPeople(options.format)) return drawRecord(target, paint(options.color), options.width);
  if (options.format === "json") {
    return drawValue(new Map(target.fields.map((field) => [field.name, field.value])), options);
  }
  const row = recordAsRow(target);
  return [...drawRows(rowWriter(row, options), row)].join("");
}

function drawStatements(target: Sql, options: RenderOptions): string {
  const { color, width, syntax, terminal } = options;
  const text = drawSql(target, { color, width, syntax, isForReading: terminal });
  return text + (target.note === undefined ? "" : aside(target.note, options));
}

/** One statement as its text, several or one with values as they are. */
function statementsOf({ statements }: Sql): unknown {
  const [first, ...others] = statements;
  return first !== undefined && others.length === 0 && first.parameters === undefined ? first.sql : statements;
}

function drawValue(value: unknown, options: RenderOptions): string {
  // What has no value prints nothing where nobody would wonder about the missing answer.
  if (value === undefined && !options.terminal) return "";
  switch (options.format) {
    case "json":
      return jsonText(value, options.terminal ? 2 : 0) + "\n";
    case "jsonl":
      return jsonText(value) + "\n";
    case "csv":
    case "tsv":
      return new SeparatedWriter([], options.format === "csv" ? csv : tsv, options.terminal).line([value]);
    case "insert":
      return (options.literal ?? standardLiteral)(value) + "\n";
    default:
      return valueText(value, options) + "\n";
  }
}
