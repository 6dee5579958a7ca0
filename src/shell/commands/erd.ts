import { writeFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { ArgumentError } from "../../errors";
import { reflect } from "../../schema/reflect";
import type { Column, Schema, Table } from "../../schema/schema";
import type { Command } from "./command";
import type { DatabaseShell } from "./database-commands";
import { completePath } from "./input";

/** `.erd [FILE]`: the tables and how they refer to each other, as a diagram. */
export function erdCommand(shell: Pick<DatabaseShell, "database">): Command {
  return {
    name: "erd",
    subject: "models",
    usage: ".erd [FILE]",
    description: "a Mermaid diagram of the tables and their foreign keys",
    help: "Printed, or written to a file; in a .md file it stands in a block that is drawn.\nExample: .erd schema.md",
    async execute(argument, host) {
      const diagram = mermaidOf(await reflect(shell.database.session.connection));
      if (argument === "") return host.print(diagram);
      const text = extname(argument) === ".md" ? `\`\`\`mermaid\n${diagram}\n\`\`\`\n` : `${diagram}\n`;
      await writeFile(resolve(argument), text).catch((error: unknown) => {
        throw new ArgumentError(
          `Cannot write "${argument}": ${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
          {
            cause: error,
          },
        );
      });
      host.note(`written to ${argument}`);
    },
    complete: (word) => completePath(word),
  };
}

/** A schema as an entity relationship diagram in Mermaid's language. */
export function mermaidOf({ tables }: Pick<Schema, "tables">): string {
  const entities = tables.map((table) => {
    const columns = table.columns.map(
      (column) => `    ${typeOf(column)} ${wordOf(column.name)}${keysOf(table, column)}`,
    );
    return [`  ${nameOf(table.name)} {`, ...columns, "  }"].join("\n");
  });
  const links = tables.flatMap((table) =>
    table.foreignKeys.map(({ columns, references }) => {
      const isNullable = table.columns.some(({ name, nullable }) => columns.includes(name) && nullable);
      const many = isUnique(table, columns) ? "o|" : "}o";
      return `  ${nameOf(table.name)} ${many}--${isNullable ? "o|" : "||"} ${nameOf(references.table)} : ${JSON.stringify(columns.join(", "))}`;
    }),
  );
  return ["erDiagram", ...entities, ...links].join("\n");
}

function keysOf(table: Table, { name }: Column): string {
  const keys = [
    ...(table.primaryKey?.columns.includes(name) ? ["PK"] : []),
    ...(table.foreignKeys.some(({ columns }) => columns.includes(name)) ? ["FK"] : []),
    ...(isUnique(table, [name]) && !table.primaryKey?.columns.includes(name) ? ["UK"] : []),
  ];
  return keys.length === 0 ? "" : ` ${keys.join(", ")}`;
}

/** Whether no two rows have the same values in these columns. */
function isUnique({ primaryKey, uniques, indexes }: Table, columns: readonly string[]): boolean {
  const sets = [
    ...(primaryKey ? [primaryKey.columns] : []),
    ...uniques.map((unique) => unique.columns),
    ...indexes
      .filter(({ unique, where }) => unique && where === undefined)
      .map((index) => index.columns.map(({ column }) => column)),
  ];
  return sets.some((set) => set.length > 0 && set.every((name) => name !== undefined && columns.includes(name)));
}

/** A type as one word of the diagram's language. */
function typeOf({ type }: Column): string {
  return type.replaceAll(/[^A-Za-z0-9_()[\]-]+/g, "_").replace(/^[^A-Za-z]+/, "") || "unknown";
}

function wordOf(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_-]+/gu, "_");
}

function nameOf(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : `"${name.replaceAll('"', "'")}"`;
}
