import type { Connection } from "../driver/connection";
import { schemaDialectOf } from "../schema/dialects/dialects";
import type { SchemaDialect } from "../schema/dialects/schema-dialect";
import type { Column, Table } from "../schema/schema";
import { emptyTable } from "../schema/schema";

/** How far a revision is: done, being done (or broken off), failed on the way, being undone (or broken off). */
export type VersionStatus = "applied" | "running" | "failed" | "undoing";

/** What the database remembers of a revision. */
export interface VersionRow {
  id: string;
  downRevisions: string[];
  message: string;
  checksum: string;
  status: VersionStatus;
  /** Operations done. */
  step: number;
  stepsTotal: number | null;
  error: string | null;
  batch: number;
}

/** A change of what the database remembers, as a statement. */
export type VersionChange = { insert: VersionRow; durationMs: number } | { delete: string };

/**
 * The table that remembers which revisions are applied: one row for each of them, with its parents.
 *
 * Parents are kept so that the history stays readable where a file is missing. The table is made by the first command that
 * writes; a command that only reads leaves an untouched database untouched.
 */
export class VersionTable {
  readonly #dialect: SchemaDialect;

  constructor(
    readonly connection: Connection,
    readonly name: string,
    readonly app: string,
  ) {
    this.#dialect = schemaDialectOf(connection.dialect);
  }

  /** Every row, in the order of their application; none where there is no table. */
  async rows(): Promise<VersionRow[]> {
    if (!(await this.#exists())) return [];
    const rows = await this.connection.all(
      `SELECT version_num, down_revision, message, checksum, status, step, steps_total, error, batch
         FROM ${this.#table} ORDER BY batch, applied_at, version_num`,
    );
    return rows.map((row) => ({
      id: String(row["version_num"]),
      downRevisions: row["down_revision"] ? String(row["down_revision"]).split(",") : [],
      message: String(row["message"] ?? ""),
      checksum: String(row["checksum"] ?? "").trim(),
      status: String(row["status"]) as VersionStatus,
      step: Number(row["step"]),
      stepsTotal: row["steps_total"] === null ? null : Number(row["steps_total"]),
      error: row["error"] === null ? null : String(row["error"]),
      batch: Number(row["batch"] ?? 0),
    }));
  }

  /** Makes the table where it is not there yet. */
  async create(): Promise<void> {
    if (!(await this.#exists())) for (const sql of this.createStatements()) await this.connection.run(sql);
  }

  #exists(): Promise<boolean> {
    return this.#dialect.hasTable(this.connection, this.name);
  }

  /** The statements that make the table. */
  createStatements(): string[] {
    return this.#dialect.createTable(definition(this.name));
  }

  async write(change: VersionChange): Promise<void> {
    await this.connection.run(this.statement(change));
  }

  /** The statement that makes the change, with its values written in. */
  statement(change: VersionChange): string {
    if ("delete" in change) return `DELETE FROM ${this.#table} WHERE version_num = ${this.#literal(change.delete)}`;
    const { insert: row, durationMs } = change;
    const values: Record<string, unknown> = {
      version_num: row.id,
      down_revision: row.downRevisions.join(",") || null,
      message: row.message.slice(0, 255),
      checksum: row.checksum,
      status: row.status,
      step: row.step,
      steps_total: row.stepsTotal,
      error: row.error,
      batch: row.batch,
      applied_at: new Date().toISOString(),
      duration_ms: Math.round(durationMs),
      app: this.app,
    };
    const names = Object.keys(values);
    return `INSERT INTO ${this.#table} (${names.join(", ")}) VALUES (${names.map((name) => this.#literal(values[name])).join(", ")})`;
  }

  /** Changes some of a row's parts. */
  async update(
    id: string,
    parts: {
      status?: VersionStatus;
      step?: number;
      stepsTotal?: number | null;
      error?: string | null;
      durationMs?: number;
    },
  ): Promise<void> {
    const sets = [
      ...(parts.status === undefined ? [] : [`status = ${this.#literal(parts.status)}`]),
      ...(parts.step === undefined ? [] : [`step = ${parts.step}`]),
      ...(parts.stepsTotal === undefined ? [] : [`steps_total = ${this.#literal(parts.stepsTotal)}`]),
      ...(parts.error === undefined ? [] : [`error = ${this.#literal(parts.error)}`]),
      ...(parts.durationMs === undefined ? [] : [`duration_ms = ${Math.round(parts.durationMs)}`]),
    ];
    await this.connection.run(`UPDATE ${this.#table} SET ${sets.join(", ")} WHERE version_num = ${this.#literal(id)}`);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    await this.connection.run(`DELETE FROM ${this.#table}`);
  }

  get #table(): string {
    return this.#dialect.quoteTable(this.name);
  }

  #literal(value: unknown): string {
    return this.#dialect.sql.literal(value ?? null);
  }
}

function definition(name: string): Table {
  const column = (columnName: string, type: string, nullable = true): Column => ({ name: columnName, type, nullable });
  return {
    ...emptyTable(name),
    columns: [
      column("version_num", "VARCHAR(32)", false),
      column("down_revision", "VARCHAR(255)"),
      column("message", "VARCHAR(255)"),
      column("checksum", "CHAR(64)"),
      column("status", "VARCHAR(10)", false),
      column("step", "INTEGER", false),
      column("steps_total", "INTEGER"),
      column("error", "TEXT"),
      column("batch", "INTEGER"),
      column("applied_at", "VARCHAR(30)"),
      column("duration_ms", "INTEGER"),
      column("app", "VARCHAR(64)"),
    ],
    primaryKey: { columns: ["version_num"] },
  };
}
