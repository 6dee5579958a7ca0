import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequelize } from "sequelize";
import { Connection } from "../../src/driver/connection";
import { dialectOf } from "../../src/driver/dialects";
import { runDbCommand } from "../../src/migrations/run-db-command";
import { reflect } from "../../src/schema/reflect";
import { schemaDialectOf } from "../../src/schema/dialects/dialects";
import type { SchemaDialect } from "../../src/schema/dialects/schema-dialect";
import { normalExpression } from "../../src/migrations/compare-columns";
import type { ForeignKey, Index, Schema } from "../../src/schema/schema";

/** What a command wrote and answered. */
export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A project with a directory of migrations, on a database of its own, whose commands run in this process. */
export class MigrationProject {
  /** Answers to questions, in their order; undefined for a project with nobody to ask. */
  answers: string[] | undefined;
  /** What was shown of long work, where somebody watches. */
  watched: (string | undefined)[] | undefined;
  /** How the database was opened, command by command: whether it had to answer. */
  readonly opened: { check: boolean }[] = [];
  /** The statements that the commands sent. */
  readonly statements: string[] = [];
  /** Questions that were asked. */
  readonly questions: string[] = [];

  constructor(
    readonly sequelize: Sequelize,
    readonly folder: string = mkdtempSync(join(tmpdir(), "seqshell-migrations-")),
  ) {}

  get directory(): string {
    return join(this.folder, "migrations");
  }

  /** Runs `db COMMAND ARGS…`. */
  async db(command: string, ...args: string[]): Promise<CommandResult> {
    const result: CommandResult = { exitCode: 0, stdout: "", stderr: "" };
    const answers = this.answers;
    result.exitCode = await runDbCommand({
      command,
      args,
      open: (options) => {
        this.opened.push(options);
        return Promise.resolve({ sequelize: this.sequelize });
      },
      directory: this.directory,
      onQuery: ({ sql }) => void this.statements.push(sql),
      io: {
        stdout: (text) => void (result.stdout += text),
        stderr: (text) => void (result.stderr += text),
        status: this.watched && ((text) => void this.watched?.push(text)),
        ask:
          answers &&
          ((question) => {
            this.questions.push(question);
            const answer = answers.shift();
            if (answer === undefined) throw new Error(`nobody answers: ${question}`);
            return Promise.resolve(answer);
          }),
      },
    });
    return result;
  }

  /** Runs a command that must succeed; the error is what it wrote. */
  async ok(command: string, ...args: string[]): Promise<CommandResult> {
    const result = await this.db(command, ...args);
    if (result.exitCode !== 0)
      throw new Error(
        `db ${command} ${args.join(" ")} failed:\n${result.stderr}${result.stdout}\n${this.newestText()}`,
      );
    return result;
  }

  /** Defines the models anew: those of before are forgotten. */
  define(models: (sequelize: Sequelize) => void): void {
    forgetModels(this.sequelize);
    models(this.sequelize);
  }

  /** The names of the revision files, oldest first. */
  files(): string[] {
    const folder = join(this.directory, "versions");
    if (!existsSync(folder)) return [];
    const age = (name: string): number => statSync(join(folder, name)).mtimeMs;
    return readdirSync(folder).sort((a, b) => age(a) - age(b));
  }

  /** The text of the newest revision file. */
  newestText(): string {
    const newest = this.files().at(-1);
    return newest === undefined ? "" : readFileSync(join(this.directory, "versions", newest), "utf8");
  }

  /** Writes a revision file with these bodies. */
  writeRevision(revision: {
    id: string;
    down?: string | string[] | null;
    upgrade: string;
    downgrade?: string;
    message?: string;
    extra?: string;
  }): void {
    const text = `/**
 * ${revision.message ?? revision.id}
 *
 * Revision ID: ${revision.id}
 * Revises: ${String(revision.down ?? "")}
 * Create Date: 2026-01-01 00:00:00.000
 */
import { DataTypes, sql, type Operations } from "sequelize-shell/migrations";

export const revision = "${revision.id}";
export const downRevision: string | string[] | null = ${JSON.stringify(revision.down ?? null)};
export const branchLabels: string[] | null = null;
export const dependsOn: string[] | null = null;
${revision.extra ?? ""}
export async function upgrade(op: Operations): Promise<void> {
  void [DataTypes, sql];
  ${revision.upgrade}
}

export async function downgrade(op: Operations): Promise<void> {
  void op;
  ${revision.downgrade ?? ""}
}
`;
    writeFileSync(join(this.directory, "versions", `${revision.id}.ts`), text);
  }

  /** A connection for the test's own statements. */
  connect(): Connection {
    return new Connection(this.sequelize, dialectOf(this.sequelize), () => undefined);
  }

  /** Runs statements one after the other. */
  async run(...statements: string[]): Promise<void> {
    const connection = this.connect();
    try {
      for (const sql of statements) await connection.run(sql);
    } finally {
      await connection.close();
    }
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const connection = this.connect();
    try {
      return await connection.all(sql);
    } finally {
      await connection.close();
    }
  }

  /** The schema in a form that can be compared with another state of the same database. */
  async comparable(): Promise<unknown> {
    return comparable(await this.schema(), schemaDialectOf(dialectOf(this.sequelize)));
  }

  async schema(): Promise<Schema> {
    const connection = this.connect();
    try {
      return await reflect(connection);
    } finally {
      await connection.close();
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Takes every model off the instance. */
export function forgetModels(sequelize: Sequelize): void {
  const { modelManager } = sequelize as unknown as {
    modelManager: { models: { name: string }[]; removeModel(model: object): void };
  };
  for (const model of [...modelManager.models]) modelManager.removeModel(model);
}

/** Whether the index is the one that MariaDB gives a foreign key by itself, which comes and goes with other indexes. */
function servesOnly(index: Index, key: ForeignKey): boolean {
  const columns = index.columns.map((part) => part.column);
  return columns.join() === key.columns.join() && (index.name === key.name || index.name === columns[0]);
}

/** The schema in the form in which the order of columns, the kept texts and the spelling of defaults make no difference. */
export function comparable(schema: Schema, dialect: SchemaDialect): unknown {
  const byName = (a: { name?: string }, b: { name?: string }): number => ((a.name ?? "") < (b.name ?? "") ? -1 : 1);
  const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return schema.tables
    .filter((table) => table.name !== "migration_versions")
    .map(({ sql: _, ...table }) => ({
      ...table,
      columns: table.columns
        .map((column) => ({ ...column, type: dialect.normalType(column.type), default: dialect.normalDefault(column) }))
        .sort(byName),
      uniques: [...table.uniques].sort(byText),
      foreignKeys: [...table.foreignKeys].sort(byText),
      checks: [...table.checks].sort(byText),
      indexes: table.indexes
        .filter((index) => !dialect.indexesForeignKeys || !table.foreignKeys.some((key) => servesOnly(index, key)))
        .map(({ sql: _text, where, ...index }) => ({ ...index, where: where && normalExpression(where) }))
        .sort(byName),
      triggers: [...table.triggers].sort(byName),
    }))
    .sort(byName);
}
