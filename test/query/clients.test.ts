import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunnableQuery } from "../../src/query/runnable-query";
import { Query } from "../../src/query/query";
import { func, literal } from "../../src/query/expressions";
import { databases } from "../databases";
import { FakeExecutor } from "./fake-executor";
import type { Models, Sample } from "./models";
import { defineTestModels } from "./models";
import { Random, TEXTS, randomData } from "./random-data";
import { QueryMaker } from "./random-query";

const isLong = process.env["LONG"] === "1";

/** A database's own command-line client. */
interface Client {
  command: string;
  arguments(sequelize: Sequelize): string[];
  environment?(sequelize: Sequelize): NodeJS.ProcessEnv;
  /** The rows between two marks of the output. */
  rows(text: string): string[][];
  /** The statement that prints a mark, and the mark as it is printed. */
  mark(n: number): string;
  splitter: RegExp;
}

interface Connected {
  host?: string;
  port?: string | number;
  username?: string;
  password?: string | null;
  database?: string;
  storage?: string;
}

const configOf = (sequelize: Sequelize): Connected => ({
  ...(sequelize as unknown as { config: Connected }).config,
  storage: (sequelize as unknown as { options: Connected }).options.storage,
});

const CLIENTS: Record<string, Client> = {
  sqlite: {
    command: "sqlite3",
    arguments: (sequelize) => ["-json", configOf(sequelize).storage ?? ""],
    rows: (text) =>
      text.trim() === "" ? [] : (JSON.parse(text) as object[]).map((row) => Object.values(row).map(printed)),
    mark: (n) => `SELECT 'end ${n}' AS mark`,
    splitter: /\[\{"mark":"end \d+"\}\]\n/,
  },
  postgres: {
    command: "psql",
    arguments: (sequelize) => {
      const { host, port, username, database } = configOf(sequelize);
      return [
        "-X",
        "-q",
        "-At",
        "-F",
        "\u001f",
        "-R",
        "\u001e",
        "-h",
        host ?? "",
        "-p",
        String(port),
        "-U",
        username ?? "",
        database ?? "",
      ];
    },
    environment: (sequelize) => ({ PGPASSWORD: configOf(sequelize).password ?? "", PGCLIENTENCODING: "UTF8" }),
    // A result ends with a newline; one without rows is empty.
    rows: (text) =>
      text === ""
        ? []
        : text
            .slice(0, -1)
            .split("\u001e")
            .map((line) => line.split("\u001f")),
    mark: (n) => `SELECT 'end ${n}'`,
    splitter: /end \d+\n/,
  },
  mariadb: {
    command: "mariadb",
    arguments: (sequelize) => {
      const { host, port, username, password, database } = configOf(sequelize);
      const given = password ? [`-p${password}`] : [];
      return [
        "-B",
        "-N",
        "--default-character-set=utf8mb4",
        "-h",
        host ?? "",
        "-P",
        String(port),
        "-u",
        username ?? "",
        ...given,
        database ?? "",
      ];
    },
    rows: (text) =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split("\t").map(unescaped)),
    mark: (n) => `SELECT 'end ${n}'`,
    splitter: /end \d+\n/,
  },
};

/** A value as the clients print it. */
function printed(value: unknown): string {
  return value === null ? "" : String(value);
}

/** What `mariadb --batch` writes for a value. */
function unescaped(text: string): string {
  const signs: Record<string, string> = { n: "\n", t: "\t", "0": "\0", "\\": "\\" };
  return text === "NULL" ? "" : text.replaceAll(/\\([nt0\\])/g, (_all, sign: string) => signs[sign] ?? sign);
}

/** The rows that the client prints for each of the queries. */
function throughClient(client: Client, sequelize: Sequelize, statements: readonly string[]): string[][][] {
  const input = statements.map((sql, n) => `${sql};\n${client.mark(n)};\n`).join("");
  const { stdout, stderr, status } = spawnSync(client.command, client.arguments(sequelize), {
    input,
    encoding: "utf8",
    maxBuffer: 64_000_000,
    env: { ...process.env, ...client.environment?.(sequelize) },
  });
  if (status !== 0 || stderr !== "") throw new Error(`${client.command}: ${stderr}`);
  const texts = stdout.split(client.splitter);
  expect(texts.length).toBe(statements.length + 1);
  return texts.slice(0, -1).map((text) => client.rows(text));
}

for (const database of databases()) {
  const client = CLIENTS[database.name] as Client;
  const isInstalled = spawnSync(client.command, ["--version"]).error === undefined;
  const skipReason = database.skipReason ?? (isInstalled ? undefined : `${client.command} is not installed`);
  const title = `String(query) in ${client.command}`;

  describe.skipIf(skipReason !== undefined)(
    skipReason === undefined ? title : `${title} (skipped: ${skipReason})`,
    () => {
      let sequelize: Sequelize;
      let executor: FakeExecutor;
      let models: Models;
      const folder = mkdtempSync(join(tmpdir(), "query-clients-"));
      const data = randomData(new Random(7));

      beforeAll(async () => {
        sequelize = await database.create({
          ...(database.name === "sqlite" ? { storage: join(folder, "data.sqlite") } : {}),
          define: { charset: "utf8mb4", collate: "utf8mb4_bin" },
        });
        models = defineTestModels(sequelize, () => executor);
        executor = new FakeExecutor(sequelize);
        await sequelize.sync();
        const { Role, User, Node, Item, Keyword, Sample: SampleModel } = models;
        for (const [model, rows] of [
          [Role, data.Role],
          [User, data.User],
          [Node, data.Node],
          [Item, data.Item],
          [Keyword, data.Keyword],
          [sequelize.models["item_keywords"], data.ItemKeyword],
          [SampleModel, SAMPLES],
        ] as [typeof Role, object[]][])
          await model.bulkCreate(rows as never);
      });

      afterAll(async () => {
        await (executor as FakeExecutor | undefined)?.connection.close();
        if ((sequelize as Sequelize | undefined) !== undefined) await database.drop(sequelize);
        rmSync(folder, { recursive: true, force: true });
      });

      it("finds the rows by values of every kind", async () => {
        const { Sample: SampleModel } = models;
        const queries: RunnableQuery[] = [];
        const expected: string[][][] = [];
        for (const sample of SAMPLES) {
          for (const [name, value] of Object.entries(sample)) {
            if (name === "id") continue;
            const query = SampleModel.query
              .filterBy({ [name]: value })
              .orderBy("id")
              .withEntities(SampleModel.c.id, SampleModel.c.title);
            queries.push(query);
            const rows = (await query.all()) as readonly (readonly unknown[])[];
            expect(
              rows.map((row) => row[0]),
              query.sql,
            ).toContain(sample.id);
            expected.push(rows.map((row) => row.map(printed)));
          }
        }
        const found = throughClient(client, sequelize, queries.map(String));
        queries.forEach((query, i) => expect(found[i], query.sql).toEqual(expected[i]));
      });

      it("writes free values so that the client reads the same", () => {
        const values = [...TEXTS, "a\r\nb", "\r", "back\\slash 'and' quotes", 1.5, -3, 0, 1e21, 123456789012];
        const queries = values.map((value) =>
          Query.of(() => executor, literal(value).label("value"), func.char_length(literal(String(value))).label("n")),
        );
        const found = throughClient(client, sequelize, queries.map(String));
        values.forEach((value, i) => {
          const [text, length] = found[i]?.[0] ?? [];
          if (typeof value === "number") expect(Number(text), String(queries[i])).toBe(value);
          else expect(text, String(queries[i])).toBe(value);
          expect(Number(length)).toBe([...String(value)].length);
        });
      });

      it("gives as many rows of random queries, and the same keys", async () => {
        const maker = new QueryMaker(new Random(11), models, data, () => executor);
        const cases = Array.from({ length: isLong ? 1000 : 100 }, () => maker.make().query);
        const found = throughClient(client, sequelize, cases.map(String));
        for (const [i, query] of cases.entries()) {
          const { sql, parameters } = query.toSQL();
          const rows = await executor.connection.all(sql, parameters);
          expect(found[i]?.length, query.sql).toBe(rows.length);
          const at = Object.keys(rows[0] ?? {}).indexOf("id");
          if (at === -1) continue;
          const keys = rows.map((row) => String(row["id"] as number));
          expect(found[i]?.map((row) => row[at]).sort(), query.sql).toEqual(keys.sort());
        }
      });
    },
  );
}

/** A row, and values by which it must be found. */
const SAMPLES: (Partial<Sample> & { id: number })[] = [
  ...[...TEXTS, "a\r\nb", "ends\\"].map((title, i) => ({ id: i + 1, title })),
  { id: 101, isOn: true, big: "9007199254740993", price: "123456789.125" },
  { id: 102, isOn: false, big: "-9223372036854775808", price: "-0.500" },
  { id: 103, ratio: 0.1, at: new Date("2026-01-31T23:59:59.999Z"), day: "2026-02-28" },
  { id: 104, ratio: -1.5e-7, at: new Date("1969-12-31T23:59:59.001Z"), day: "1899-12-31" },
  { id: 105, ratio: 1 / 3, meta: { a: [1, "it's", null, { b: "\\" }], "ü\n": true } },
  { id: 106, ratio: 123456.78901234567, meta: [] },
  { id: 107, bytes: Buffer.from([0, 1, 39, 92, 255, 10]), meta: "text" },
  { id: 108, bytes: Buffer.from("it's \\ plain"), meta: 12.5 },
  { id: 109, title: null, isOn: null, at: null, meta: false },
] as (Partial<Sample> & { id: number })[];
