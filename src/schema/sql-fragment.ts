/** SQL text that stands as it is: a default that is an expression, a value that the database computes. */
export class SqlFragment {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/**
 * SQL text that stands as it is, as a tag or as a function: sql`now()`, `sql("now()")`.
 *
 * Values inside the tag are put in as they are, without quotes.
 */
export function sql(
  text: string | TemplateStringsArray,
  ...values: readonly (string | number | SqlFragment)[]
): SqlFragment {
  return new SqlFragment(typeof text === "string" ? text : String.raw({ raw: text.raw }, ...values));
}

/** The fragment as TypeScript: a tag where the text has nothing that a template would read, a call otherwise. */
export function fragmentSource(text: string): string {
  return /[`\\]|\$\{/.test(text) ? `sql(${JSON.stringify(text)})` : `sql\`${text}\``;
}
