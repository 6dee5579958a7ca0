/** A string as TypeScript writes it, in double quotes. */
export function quoteSource(text: string): string {
  return JSON.stringify(text);
}

/**
 * The data type of Sequelize that declares `type`, as TypeScript (`DataTypes.STRING(64)`).
 *
 * @param patterns  tried in order; `$1` and `$2` stand for what a pattern's groups matched
 * @returns undefined where none of the patterns matches
 */
export function dataTypeSource(patterns: readonly (readonly [RegExp, string])[], type: string): string | undefined {
  for (const [pattern, source] of patterns) {
    const match = pattern.exec(type);
    if (match) return `DataTypes.${source.replace(/\$(\d)/g, (_, i: string) => sized(source, match[Number(i)] ?? ""))}`;
  }
  return undefined;
}

// BLOB and TEXT take their size as a lower-case word.
function sized(source: string, text: string): string {
  return source.startsWith("BLOB(") || source.startsWith("TEXT(") ? text.toLowerCase() : text;
}
