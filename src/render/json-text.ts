import { types } from "node:util";
import { escapeControlsInJson } from "./escape";
import { Label } from "./label";

/** Objects nested deeper than this are told apart from a cycle only by running out of stack. */
const deepest = 1000;

/**
 * JSON text of any value, never failing where `JSON.stringify` would.
 *
 * A bigint, NaN and Infinity become strings, a Date its ISO text, a buffer base64, a Map an object,
 * a Set an array, a reference back to an enclosing object `"[Circular]"`. A `toJSON` is honoured.
 * The text holds no character that could drive a terminal.
 *
 * @param indent  blanks per level; 0 gives one line
 */
export function jsonText(value: unknown, indent = 0): string {
  return escapeControlsInJson(JSON.stringify(plain(value, new Set()) ?? null, null, indent));
}

/** The value as JSON can hold it; `undefined` where JSON would leave it out. */
function plain(value: unknown, enclosing: Set<object>): unknown {
  switch (typeof value) {
    case "bigint":
      return String(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "function":
    case "symbol":
      return undefined;
    case "object":
      return value === null ? null : plainObject(value, enclosing);
    default:
      return value;
  }
}

function plainObject(object: object, enclosing: Set<object>): unknown {
  // util.types, not instanceof: what was typed at a prompt may come from another realm.
  if (types.isDate(object)) return Number.isNaN(object.getTime()) ? null : object.toISOString();
  if (object instanceof Label) return plain(object.value, enclosing);
  if (types.isUint8Array(object))
    return Buffer.from(object.buffer, object.byteOffset, object.byteLength).toString("base64");
  if (types.isAnyArrayBuffer(object)) return Buffer.from(object).toString("base64");
  if (enclosing.has(object)) return "[Circular]";
  if (enclosing.size >= deepest) return "[Deeper]";
  enclosing.add(object);
  try {
    return members(object, enclosing);
  } finally {
    enclosing.delete(object);
  }
}

function members(object: object, enclosing: Set<object>): unknown {
  if ("toJSON" in object && typeof object.toJSON === "function") {
    const own = (object.toJSON as () => unknown)();
    return own === object ? ownProperties(object, enclosing) : plain(own, enclosing);
  }
  if (Array.isArray(object) || types.isSet(object) || types.isTypedArray(object)) {
    return Array.from(object as Iterable<unknown>, (item) => plain(item, enclosing) ?? null);
  }
  if (types.isMap(object)) return fromEntries(object, enclosing);
  if (types.isNativeError(object))
    return { name: object.name, message: object.message, ...ownProperties(object, enclosing) };
  if (types.isBoxedPrimitive(object)) return plain(object.valueOf(), enclosing);
  return ownProperties(object, enclosing);
}

function ownProperties(object: object, enclosing: Set<object>): Record<string, unknown> {
  return fromEntries(Object.entries(object), enclosing);
}

function fromEntries(entries: Iterable<[unknown, unknown]>, enclosing: Set<object>): Record<string, unknown> {
  // Without a prototype a key "__proto__" is a key like any other.
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of entries) {
    const member = plain(item, enclosing);
    if (member !== undefined) result[String(key)] = member;
  }
  return result;
}
