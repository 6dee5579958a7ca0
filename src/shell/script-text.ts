import type { KeyTree } from "./runtime";

/**
 * The names that a script uses for what it needs from its runner; see `Runtime` for what each does.
 *
 * A dollar inside keeps them apart from what people write.
 */
export const NAMES = {
  value: "__$v",
  temporary: "__$t",
  waiting: "__$q",
  promiseClass: "__$P",
  isPromise: "__$w",
  read: "__$r",
  takeApart: "__$d",
  each: "__$each",
  import: "__$shell.import",
  importMeta: "__$shell.meta",
  steps: "__$steps",
  ended: "__$ended",
} as const;

/** What is written around an expression. */
export interface Wrapping {
  readonly before: string;
  readonly after: string;
}

/** Around a value that is shown, stored or tested: waits for it where it is a promise of any kind. */
export const OUTER_VALUE: Wrapping = {
  before: `(${NAMES.isPromise}(${NAMES.temporary} = (`,
  after: `)) ? yield ${NAMES.temporary} : ${NAMES.temporary})`,
};

/** Around a call inside an expression: waits for the promise that it returns. */
export const HELD_CALL: Wrapping = {
  before: `((${NAMES.temporary} = `,
  after: `) instanceof ${NAMES.promiseClass} ? yield ${NAMES.temporary} : ${NAMES.temporary})`,
};

/** Around an object of which a key is read: waits for what must be there first. `key` is JavaScript. */
export function beforeRead(key: string): Wrapping {
  const { waiting, read, temporary } = NAMES;
  return {
    before: `((${waiting} = ${read}(${temporary} = `,
    after: `, ${key})) === undefined ? ${temporary} : yield ${waiting})`,
  };
}

/** Around a value that a pattern takes apart: waits for what the keys of the pattern stand for. */
export function beforeTakingApart(keys: KeyTree): Wrapping {
  const { waiting, temporary, takeApart } = NAMES;
  return {
    before: `((${waiting} = ${takeApart}(${temporary} = (`,
    after: `), ${JSON.stringify(keys)})) === undefined ? ${temporary} : yield ${waiting})`,
  };
}

/** What stands before, between and after the parts of a script: a generator function as its value. */
export function scriptFrame(
  names: readonly string[],
  variables: readonly string[],
): { header: string; middle: string; footer: string } {
  const { value, temporary, waiting, promiseClass, isPromise, read, takeApart, each, steps, ended } = NAMES;
  return {
    header: names.length > 0 ? `var ${names.join(", ")};` : "",
    middle:
      `(function* (${promiseClass}, ${isPromise}, ${read}, ${takeApart}, ${each}, ${steps}, ${ended}) { ` +
      `let ${[value, temporary, waiting, ...variables].join(", ")}; `,
    footer: `\nreturn ${value}; })`,
  };
}
