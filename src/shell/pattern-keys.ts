import type { Identifier, Node, StringLiteral } from "typescript";
import type { KeyTree } from "./runtime";
import { ts } from "./typescript";

/** One part of a pattern: the key that is read, and what its value goes to. */
interface Part {
  /** The name that is written; undefined where it is computed, and for the parts of lists. */
  readonly key: Identifier | StringLiteral | undefined;
  /** What is read: the text of the key, or the place in a list. */
  readonly reads: string | undefined;
  readonly target: Node;
}

/**
 * The keys that a pattern reads, with the keys that patterns inside it read; undefined where it reads none.
 *
 * A pattern that declares and one that assigns are alike: `const { role } = user`, `({ role } = user)`. Places in a list count only
 * where something with keys stands there.
 */
export function keysOf(pattern: Node): KeyTree | undefined {
  const keys: Record<string, KeyTree> = {};
  for (const { key, reads, target } of partsOf(pattern)) {
    const inside = keysOf(target);
    if (reads !== undefined && (key !== undefined || inside !== undefined)) keys[reads] = inside ?? {};
  }
  return Object.keys(keys).length === 0 ? undefined : keys;
}

/** The key in a pattern that is read first; undefined where it is computed, or where no key is written. */
export function firstKey(pattern: Node): Identifier | StringLiteral | undefined {
  const isList = ts.isArrayBindingPattern(pattern) || ts.isArrayLiteralExpression(pattern);
  for (const { key, target } of partsOf(pattern)) {
    if (!isList) return key;
    const inside = firstKey(target);
    if (inside) return inside;
  }
  return undefined;
}

/** Whether a key is also what its value goes to, as in `{ role }`. */
export function isWholeProperty(key: Identifier | StringLiteral): boolean {
  const { parent } = key;
  return ts.isShorthandPropertyAssignment(parent) || (ts.isBindingElement(parent) && parent.propertyName === undefined);
}

function partsOf(pattern: Node): Part[] {
  if (ts.isObjectBindingPattern(pattern)) {
    return pattern.elements.flatMap(({ propertyName, name, dotDotDotToken }) =>
      dotDotDotToken ? [] : [namedPart(propertyName ?? name, name)],
    );
  }
  if (ts.isArrayBindingPattern(pattern)) {
    return pattern.elements.flatMap((element, index) =>
      ts.isBindingElement(element) && !element.dotDotDotToken ? [listPart(index, element.name)] : [],
    );
  }
  if (ts.isObjectLiteralExpression(pattern)) {
    return pattern.properties.flatMap((property) => {
      if (ts.isShorthandPropertyAssignment(property)) return [namedPart(property.name, property.name)];
      return ts.isPropertyAssignment(property) ? [namedPart(property.name, withoutDefault(property.initializer))] : [];
    });
  }
  if (ts.isArrayLiteralExpression(pattern)) {
    return pattern.elements.flatMap((element, index) =>
      ts.isSpreadElement(element) || ts.isOmittedExpression(element) ? [] : [listPart(index, withoutDefault(element))],
    );
  }
  return [];
}

function namedPart(name: Node, target: Node): Part {
  const key = ts.isIdentifier(name) || ts.isStringLiteral(name) ? name : undefined;
  return { key, reads: key?.text, target };
}

function listPart(index: number, target: Node): Part {
  return { key: undefined, reads: String(index), target };
}

/** `a` of `a = 1`. */
function withoutDefault(target: Node): Node {
  return ts.isBinaryExpression(target) ? target.left : target;
}
