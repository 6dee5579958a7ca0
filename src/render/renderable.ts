import { types } from "node:util";
import type { Failure } from "./failure";
import type { Plan } from "./plan";
import type { ObjectRecord } from "./record";
import { renderAs } from "./render-as";
import type { ResultSet } from "./result-set";
import type { Sql } from "./sql";

/** One page of a longer result. */
export interface Page {
  readonly [renderAs]: "page";
  readonly items: ResultSet;
  readonly page: number;
  readonly perPage: number;
  /** Rows on all pages; null when they were not counted. */
  readonly total: number | null;
}

/** How many rows a statement changed. */
export interface Count {
  readonly [renderAs]: "count";
  readonly rows: number;
  /** What happened to them: "updated", "deleted". */
  readonly done: string;
}

/** A line about what happened, for people only. */
export interface Note {
  readonly [renderAs]: "note";
  readonly text: string;
}

/** Any JavaScript value, shown as the Node prompt shows it; also what would otherwise have a look of its own. */
export interface Scalar {
  readonly [renderAs]: "scalar";
  readonly value: unknown;
}

/** Everything that has a look of its own. */
export type Renderable = ResultSet | ObjectRecord | Page | Count | Scalar | Sql | Plan | Note | Failure;

/** Makes a page of its rows. */
export function pageView(parts: Omit<Page, typeof renderAs>): Page {
  return { [renderAs]: "page", ...parts };
}

/** Makes the answer of a statement that changed rows. */
export function countView(rows: number, done: string): Count {
  return { [renderAs]: "count", rows, done };
}

/** Makes a line for people. */
export function note(text: string): Note {
  return { [renderAs]: "note", text };
}

/** Makes a plain value of anything. */
export function scalar(value: unknown): Scalar {
  return { [renderAs]: "scalar", value };
}

/** The value itself where it has a look of its own, else a scalar of it. */
export function asRenderable(value: unknown): Renderable {
  // Asking a proxy whether it has a property runs its code.
  const isOurs = typeof value === "object" && value !== null && !types.isProxy(value) && renderAs in value;
  return isOurs ? (value as Renderable) : scalar(value);
}
