/** A longer name is cut without a word. */
export const MAX_NAME_BYTES = 63;

/** The schema that stands in a table's name. */
export function schemaOf(name: string): string | undefined {
  const dot = name.indexOf(".");
  return dot > 0 ? name.slice(0, dot) : undefined;
}

/** The table's name without its schema. */
export function bareName(name: string): string {
  const schema = schemaOf(name);
  return schema === undefined ? name : name.slice(schema.length + 1);
}
