/** A value of TypeScript text with its parts, so that it can be laid out on one line or several. */
export type Source = string | { open: string; items: readonly Source[]; close: string };

/** Characters of a line at the most, where a value can be broken. */
const LINE_WIDTH = 100;

/** An object; parts without a value are left out. */
export function objectSource(entries: Readonly<Record<string, Source | undefined>>): Source {
  const items = Object.entries(entries).flatMap(([key, value]): Source[] => {
    if (value === undefined) return [];
    const name = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    return [typeof value === "string" ? `${name}: ${value}` : { ...value, open: `${name}: ${value.open}` }];
  });
  return { open: "{", items, close: "}" };
}

/** A list. */
export function listSource(items: readonly Source[]): Source {
  return { open: "[", items, close: "]" };
}

/** A list of strings. */
export function namesSource(names: readonly string[]): Source {
  return listSource(names.map((name) => JSON.stringify(name)));
}

/** A call; trailing empty objects are left out. */
export function callSource(callee: string, ...values: readonly Source[]): Source {
  const items = [...values];
  while (items.length > 0 && isEmptyObject(items.at(-1))) items.pop();
  return { open: `${callee}(`, items, close: ")" };
}

function isEmptyObject(value: Source | undefined): boolean {
  return typeof value === "object" && value.open === "{" && value.items.length === 0;
}

/** The text of the value: on one line where it fits, else broken as a formatter would. */
export function layOut(value: Source, indent: string, suffix = ""): string {
  const flat = oneLine(value);
  if (typeof value === "string" || (indent + flat + suffix).length <= LINE_WIDTH) return indent + flat + suffix;
  // The last argument hugs the brackets of its call, as in op.createTable("users", { … }).
  const isSimple = (item: Source): boolean => typeof item === "string" || item.open === "[";
  const last = value.items.at(-1);
  const before = value.items.slice(0, -1);
  if (value.open.endsWith("(") && typeof last === "object" && before.every(isSimple)) {
    const start = [...before.map(oneLine), ""].join(", ");
    if ((indent + value.open + start + last.open).length <= LINE_WIDTH) {
      return layOut({ ...last, open: value.open + start + last.open, close: last.close + value.close }, indent, suffix);
    }
  }
  const items = value.items.map((item) => layOut(item, `${indent}  `, ","));
  return [indent + value.open, ...items, indent + value.close + suffix].join("\n");
}

function oneLine(value: Source): string {
  if (typeof value === "string") return value;
  const space = value.open.endsWith("{") && value.items.length > 0 ? " " : "";
  return value.open + space + value.items.map(oneLine).join(", ") + space + value.close;
}

/** A string in double quotes. */
export function quote(value: string): string {
  return JSON.stringify(value);
}

/** A string in double quotes, or nothing. */
export function text(value: string | undefined): string | undefined {
  return value === undefined ? undefined : quote(value);
}

/** `true`, or nothing. */
export function flag(value: boolean | undefined): string | undefined {
  return value ? "true" : undefined;
}
