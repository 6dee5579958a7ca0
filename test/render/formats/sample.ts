import { Label } from "../../../src/render/label";
import { render } from "../../../src/render/render";
import type { Format, RenderOptions } from "../../../src/render/render-options";
import { resultSet, type Column } from "../../../src/render/result-set";

/** A column of every kind. */
export const columns: readonly Column[] = [
  { name: "id", kind: "number", primaryKey: true },
  { name: "username", kind: "text" },
  { name: "settings", kind: "json" },
  { name: "born", kind: "date" },
  { name: "photo", kind: "blob" },
  { name: "active", kind: "boolean" },
  { name: "roles", kind: "text" },
];
/** Rows with what is hard to write: quotes, borders, line breaks, NULL, structures. */
export const rows = [
  [1, "john", { theme: "dark", big: 1n }, new Date(0), Buffer.from("hello"), true, new Label("1 Role", [{ id: 7 }])],
  [9007199254740993n, 'a "b", c|d\n\te\\', null, null, null, false, undefined],
  [3, "", "text", null, null, null, null],
];

/** The rows in a format for programs, but for the given options. */
export function inFormat(format: Format, options: Partial<RenderOptions> = {}): string {
  return render(resultSet({ columns, rows }), { format, terminal: false, color: false, ...options });
}
