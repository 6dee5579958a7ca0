import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrationConfig } from "./config";
import { MigrationError } from "./migration-error";
import type { Revision } from "./revision-graph";
import { RevisionGraph } from "./revision-graph";
import type { RevisionHead } from "./revision-script";
import { REVISION_TEMPLATE, parseRevision, renderRevision, slugOf } from "./revision-script";

/** A directory of migrations: its revision files and its template. */
export class ScriptDirectory {
  constructor(
    readonly path: string,
    readonly config: MigrationConfig,
  ) {}

  /** The folder of the revision files. */
  get versions(): string {
    return join(this.path, "versions");
  }

  /** @throws {MigrationError} where there is no such directory */
  requireExists(): void {
    if (existsSync(this.path)) return;
    throw new MigrationError(
      `Path doesn't exist: '${this.path}'.  Please use the 'init' command to create a new scripts folder.`,
    );
  }

  /** Reads the heads of all revision files. */
  readGraph(): RevisionGraph {
    this.requireExists();
    const revisions: Revision[] = [];
    const files = existsSync(this.versions) ? readdirSync(this.versions).sort() : [];
    for (const file of files) {
      if (!/\.[cm]?[jt]s$/.test(file) || /\.d\.[cm]?ts$/.test(file)) continue;
      const path = join(this.versions, file);
      const revision = parseRevision(path, readFileSync(path, "utf8"));
      if (revision) revisions.push(revision);
    }
    return new RevisionGraph(revisions);
  }

  /** The path of a new revision's file. */
  pathOf(head: RevisionHead): string {
    const slug = slugOf(head.message, this.config.slugLength);
    const date = head.createDate.toISOString().slice(0, 10).replaceAll("-", "");
    const name = this.config.fileTemplate
      .replaceAll("{rev}", head.id)
      .replaceAll("{slug}", slug)
      .replaceAll("{date}", date)
      .replace(/[_-]+$/, "");
    return join(this.versions, `${name}.ts`);
  }

  /** Writes the file of a new revision. @throws {MigrationError} where the file is there already */
  write(path: string, head: RevisionHead, upgrade: readonly string[], downgrade: readonly string[]): void {
    if (existsSync(path)) throw new MigrationError(`The file ${path} exists already.`);
    mkdirSync(this.versions, { recursive: true });
    const own = join(this.path, "script.ts.tpl");
    const template = existsSync(own) ? readFileSync(own, "utf8") : REVISION_TEMPLATE;
    writeFileSync(path, renderRevision(template, head, upgrade, downgrade));
  }
}
