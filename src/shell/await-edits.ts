import type {
  AwaitExpression,
  CallExpression,
  Expression,
  ForOfStatement,
  SourceFile,
  TaggedTemplateExpression,
} from "typescript";
import type { Access, ChainLink, OwnCodeListener, Pattern } from "./own-code";
import { firstKey, isWholeProperty, keysOf } from "./pattern-keys";
import { HELD_CALL, NAMES, OUTER_VALUE, type Wrapping, beforeRead, beforeTakingApart } from "./script-text";
import type { TextEdits } from "./text-edits";
import { ts } from "./typescript";

/** A wrap of the current part of a chain, ending at `end`. */
interface Wrap extends Wrapping {
  readonly end: number;
}

/**
 * Writes down the edits that make a statement's JavaScript wait: every wait becomes a `yield` of the generator it will stand in.
 *
 * A wait that the person did not write costs nothing where there is no promise: it yields only for one.
 */
export class AwaitEdits implements OwnCodeListener {
  readonly #file: SourceFile;
  readonly #edits: TextEdits;
  #count = 0;
  /** The variables that the edits need declared. */
  readonly variables: string[] = [];

  constructor(file: SourceFile, edits: TextEdits) {
    this.#file = file;
    this.#edits = edits;
  }

  outer(expression: Expression): void {
    this.#wrap(expression, OUTER_VALUE);
  }

  call(expression: CallExpression | TaggedTemplateExpression): void {
    this.#wrap(expression, HELD_CALL);
  }

  read(access: Access): void {
    this.#wrap(access.expression, beforeRead(this.#key(access)));
  }

  takeApart(pattern: Pattern, value: Expression): void {
    const keys = keysOf(pattern);
    if (keys !== undefined) this.#wrap(value, beforeTakingApart(keys));
  }

  /**
   * `for (const { role } of rows)` notes each row and waits in the pattern, in its first key:
   * `for (const { [(wait for c, "role")]: role } of each(rows, (row) => (c = row)))`.
   */
  takeEachApart(pattern: Pattern, values: Expression): void {
    const keys = keysOf(pattern);
    const first = keys && firstKey(pattern);
    if (!first) return;
    const row = this.#variable();
    const { before, after } = beforeTakingApart(keys);
    const wait = `[(${before}${row}${after}, ${JSON.stringify(first.text)})]`;
    const start = first.getStart(this.#file);
    if (isWholeProperty(first)) this.#edits.open(start, `${wait}: `);
    else this.#edits.replace(start, first.end, wait);
    this.#wrap(values, { before: `${NAMES.each}(`, after: `, (__$x) => (${row} = __$x))` });
  }

  await(expression: AwaitExpression): void {
    const start = expression.getStart(this.#file);
    this.#edits.replace(start, start + "await".length, "(yield (");
    this.#edits.close(expression.end, "))");
  }

  /**
   * `for await (const x of rows) body` becomes a loop over promises of steps, each of them yielded:
   * `{for (const s of steps(rows)) {const x = (yield s).value …; body} yield ended();}`.
   */
  forAwait(statement: ForOfStatement): void {
    const { initializer } = statement;
    const step = `__$s${++this.#count}`;
    let outermost: import("typescript").Node = statement;
    while (ts.isLabeledStatement(outermost.parent)) outermost = outermost.parent;
    this.#edits.wrap(outermost.getStart(this.#file), outermost.end, "{", ` yield ${NAMES.ended}();}`);
    const start = statement.getStart(this.#file);
    this.#edits.replace(start, initializer.getStart(this.#file), "for (");
    this.#edits.replace(initializer.getStart(this.#file), initializer.end, `let ${step}`);
    this.#edits.wrap(statement.expression.getStart(this.#file), statement.expression.end, `${NAMES.steps}(`, ")");
    const declared =
      ts.isVariableDeclarationList(initializer) && !(initializer.flags & ts.NodeFlags.BlockScoped)
        ? initializer.declarations.map(({ name }) => name.getText(this.#file)).join()
        : initializer.getText(this.#file);
    const pattern = ts.isVariableDeclarationList(initializer) ? initializer.declarations[0]?.name : initializer;
    const keys = pattern && keysOf(pattern);
    const { before, after } = keys === undefined ? { before: "", after: "" } : beforeTakingApart(keys);
    const value = `${before}${step}.value${after}`;
    const assigned =
      ts.isVariableDeclarationList(initializer) && initializer.flags & ts.NodeFlags.BlockScoped
        ? `${declared} = ${value};`
        : `(${declared} = ${value});`;
    this.#edits.wrap(
      statement.statement.getStart(this.#file),
      statement.statement.end,
      `{ ${step} = yield ${step}; if (${step}.done) break; ${assigned} `,
      "}",
    );
  }

  chain(links: readonly ChainLink[], kept: boolean): void {
    const [first] = links;
    if (!first) return;
    const closes = new Map<number, string>();
    const add = (position: number, text: string): void => {
      closes.set(position, (closes.get(position) ?? "") + text);
    };
    const start = first.expression.getStart(this.#file);
    let segment: { start: number; seed: string; wraps: Wrap[] } = { start, seed: "", wraps: [] };
    let depth = 0;
    const finish = (): void => {
      const { wraps, seed } = segment;
      const opened =
        wraps
          .map(({ before }) => before)
          .reverse()
          .join("") + seed;
      const atSeed = wraps.filter((wrap) => wrap.end === segment.start);
      if (segment.start === start) this.#edits.open(start, opened);
      else add(segment.start, opened + atSeed.map(({ after }) => after).join(""));
      for (const wrap of wraps) if (segment.start === start || wrap.end !== segment.start) add(wrap.end, wrap.after);
    };
    const check = (position: number): string => {
      const name = this.#variable();
      segment.wraps.push({ end: position, before: `((${name} = `, after: `) == null ? void 0 : ` });
      depth += 1;
      finish();
      segment = { start: position, seed: name, wraps: [] };
      return name;
    };
    for (const [index, link] of links.entries()) {
      const position = link.expression.end;
      const optional = link.questionDotToken;
      if (ts.isCallExpression(link)) {
        const receiver = optional ? this.#receiver(links[index - 1], segment.wraps) : undefined;
        if (optional) {
          const method = check(position);
          if (receiver) segment.seed = `${method}.call`;
          const open = this.#openParenthesis(link);
          const separator = link.arguments.length > 0 ? ", " : "";
          this.#edits.replace(position, open + 1, receiver ? `(${receiver}${separator}` : "(");
        }
        const isLast = index === links.length - 1;
        if (!(isLast && kept)) segment.wraps.push({ end: link.end, ...HELD_CALL });
        continue;
      }
      if (optional) {
        check(position);
        this.#edits.replace(
          optional.getStart(this.#file),
          optional.end,
          ts.isPropertyAccessExpression(link) ? "." : "",
        );
      }
      segment.wraps.push({ end: position, ...beforeRead(this.#key(link)) });
    }
    finish();
    const last = links.at(-1);
    const end = last?.end ?? 0;
    add(end, ")".repeat(depth));
    for (const [position, text] of closes) this.#edits.close(position, text);
  }

  /** Keeps the object of `object.method?.()` in a variable, so that the method is called on it. */
  #receiver(before: ChainLink | undefined, wraps: Wrap[]): string | undefined {
    if (!before || ts.isCallExpression(before)) return undefined;
    const name = this.#variable();
    wraps.push({ end: before.expression.end, before: `(${name} = `, after: ")" });
    return name;
  }

  #openParenthesis(call: CallExpression): number {
    const from = call.questionDotToken?.end ?? call.expression.end;
    return this.#file.text.indexOf("(", from);
  }

  #variable(): string {
    const name = `__$c${++this.#count}`;
    this.variables.push(name);
    return name;
  }

  /** The key that is read, as JavaScript: only where it costs nothing to write it twice. */
  #key(access: Access): string {
    if (ts.isPropertyAccessExpression(access)) return JSON.stringify(access.name.text);
    const argument = access.argumentExpression;
    const plain = ts.isStringLiteralLike(argument) || ts.isNumericLiteral(argument) || ts.isIdentifier(argument);
    return plain ? argument.getText(this.#file) : "undefined";
  }

  #wrap(node: Expression, { before, after }: Wrapping): void {
    this.#edits.wrap(node.getStart(this.#file), node.end, before, after);
  }
}
