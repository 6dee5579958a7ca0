import type { Compiled } from "./compile";
import { HELD_CALL, NAMES, OUTER_VALUE, type Wrapping, beforeRead, scriptFrame } from "./script-text";
import { TextEdits } from "./text-edits";

/** A part of a simple input: a name, a property that is read, a call, or a literal with the values in it. */
type Part =
  | { readonly kind: "name"; readonly start: number; readonly end: number }
  | { readonly kind: "read"; readonly start: number; readonly end: number; readonly object: Part; readonly key: string }
  | {
      readonly kind: "call";
      readonly start: number;
      readonly end: number;
      readonly callee: Part;
      readonly values: readonly Part[];
    }
  | { readonly kind: "literal"; readonly start: number; readonly end: number; readonly values: readonly Part[] };

const NAME = /[A-Za-z_$][\w$]*/y;
const NUMBER = /(?:0|[1-9]\d{0,14})(?:\.\d+)?(?![\w$.])/y;
/** A text without escapes: what stands in it is what it is. */
const TEXT = /"[ !#-[\]-~]*"|'[ -&(-[\]-~]*'/y;
const LONGEST = 1000;

/** Words that mean something of their own where an expression begins, and names whose promises are kept. */
const NO_FIRST_NAMES = new Set(
  (
    "abstract accessor any arguments as assert asserts async await break case catch class const continue debugger declare default " +
    "delete do else enum eval export extends false finally for from function get global if implements import in infer instanceof " +
    "interface is keyof let module namespace never new null of out override package private protected public readonly require return " +
    "satisfies set static super switch this throw true try type typeof undefined unique unknown using var void while with yield " +
    "Promise expect"
  ).split(" "),
);
/** Methods that say something about promises: see own-code.ts. */
const PROMISE_METHODS = new Set(["then", "catch", "finally", "rejects", "resolves", "doesNotReject", "isPromise"]);

/**
 * Whether a text is one of the inputs that need no compiler: names, properties, calls and literals in their plainest writing, such as
 * `User.query.filterBy({ username: "john" }).first()`.
 */
export function isSimpleInput(text: string): boolean {
  return readSimple(text) !== undefined;
}

/** Compiles a simple input, to the same script as the compiler would; undefined for all others. */
export function compileSimple(source: string): Compiled | undefined {
  const part = readSimple(source);
  if (!part) return undefined;
  const edits = new TextEdits(`${source.slice(0, part.end)};\n\n`);
  const wrap = ({ start, end }: Part, { before, after }: Wrapping): void => {
    edits.wrap(start, end, before, after);
  };
  const visit = (each: Part, isOuter: boolean): void => {
    if (each.kind === "read") {
      wrap(each.object, beforeRead(JSON.stringify(each.key)));
      visit(each.object, false);
    } else if (each.kind === "call") {
      if (!isOuter) wrap(each, HELD_CALL);
      visit(each.callee, false);
    }
    if (each.kind === "call" || each.kind === "literal") for (const value of each.values) visit(value, false);
  };
  wrap(part, OUTER_VALUE);
  visit(part, true);
  edits.openFirst(part.start, `${NAMES.value} = (`);
  edits.closeLast(part.end, ")");
  const edited = edits.apply(scriptFrame([], []));
  return {
    source,
    script: edited.text,
    names: [],
    sourcePlace({ line, column }) {
      // Everything stands on the first line; what follows it was not typed.
      const offset = line === 0 ? edited.originalOffset(column) : part.end;
      return { line: 0, column: Math.min(offset, part.end) };
    },
  };
}

function readSimple(text: string): Part | undefined {
  if (text.length > LONGEST) return undefined;
  const reader = new Reader(text);
  const part = reader.chain();
  if (!part) return undefined;
  const isWhole = part.end === text.length || (text[part.end] === ";" && part.end + 1 === text.length);
  return isWhole ? part : undefined;
}

/** Reads the plainest expressions; anything else, a blank in an unusual place too, makes a reading end with undefined. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** A name with the properties and calls after it. */
  chain(): Part | undefined {
    const start = this.#at;
    const name = this.#match(NAME);
    if (name === undefined || NO_FIRST_NAMES.has(name)) return undefined;
    let part: Part = { kind: "name", start, end: this.#at };
    for (;;) {
      if (this.#take(".")) {
        const key = this.#match(NAME);
        if (key === undefined || PROMISE_METHODS.has(key)) return undefined;
        part = { kind: "read", start, end: this.#at, object: part, key };
      } else if (this.#take("(")) {
        const values = this.#list(")", () => this.#value());
        if (!values) return undefined;
        part = { kind: "call", start, end: this.#at, callee: part, values };
      } else return part;
    }
  }

  #value(): Part | undefined {
    const start = this.#at;
    if (this.#take("["))
      return this.#literal(
        start,
        this.#list("]", () => this.#value()),
      );
    if (this.#take("{")) return this.#object(start);
    if (this.#match(NUMBER) !== undefined || this.#match(TEXT) !== undefined) return this.#literal(start, []);
    const word = this.#match(/(?:true|false|null)(?![\w$])/y);
    return word === undefined ? this.chain() : this.#literal(start, []);
  }

  /** `{ key: value, key: value }`, with these blanks. */
  #object(start: number): Part | undefined {
    if (this.#take("}")) return this.#literal(start, []);
    if (!this.#take(" ")) return undefined;
    const values = this.#list(" }", () =>
      this.#match(NAME) !== undefined && this.#take(": ") ? this.#value() : undefined,
    );
    return values?.length === 0 ? undefined : this.#literal(start, values);
  }

  #literal(start: number, values: readonly Part[] | undefined): Part | undefined {
    return values && { kind: "literal", start, end: this.#at, values };
  }

  /** Values with `, ` between them, up to a closing text. */
  #list(close: string, value: () => Part | undefined): Part[] | undefined {
    const values: Part[] = [];
    if (this.#take(close)) return values;
    do {
      const next = value();
      if (!next) return undefined;
      values.push(next);
    } while (this.#take(", "));
    return this.#take(close) ? values : undefined;
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
