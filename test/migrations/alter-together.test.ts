import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { databases, describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";
import { Random } from "./random-models";

const isLong = process.env["LONG"] === "1";
const TRIALS = Number(process.env["CHAINS"] ?? (isLong ? 300 : 12));
const FIRST_SEED = Number(process.env["SEED"] ?? 1);

/** What is known of the table while changes of it are made up. */
interface Known {
  columns: { name: string; kind: "text" | "number"; length: number; isNullable: boolean }[];
  constraints: { name: string; type: "unique" | "check" | "foreignKey"; columns: string[] }[];
  indexes: { name: string; columns: string[] }[];
}

const NAMES = ["a", "b", "c", "d", "e", "f"];
let serial = 0;

/** A change of the table as text of a revision, which suits what is known and is noted there. */
function makeChange(random: Random, known: Known): string {
  const fresh = (prefix: string): string => `${prefix}_t_${++serial}`;
  const column = random.pick(known.columns);
  const isFree = ({ name }: { name: string }): boolean =>
    ![...known.constraints, ...known.indexes].some(({ columns }) => columns.includes(name));
  const free = known.columns.filter(isFree);
  const missing = NAMES.filter((name) => !known.columns.some((other) => other.name === name));
  const drop = <T>(list: T[], item: T): void => void list.splice(list.indexOf(item), 1);
  switch (random.int(14)) {
    case 0:
    case 1: {
      if (missing.length === 0) return "";
      const name = random.pick(missing);
      const kind = random.pick(["text", "number"] as const);
      const type = kind === "text" ? "DataTypes.STRING(20)" : "DataTypes.INTEGER";
      const isNullable = random.int(2) === 0;
      const from = random.pick([
        "id",
        ...known.columns.flatMap((other) => (other.kind === "number" ? [other.name] : [])),
      ]);
      const fill = isNullable ? "" : random.pick([`, fill: sql\`coalesce(${from}, 1) * 3\``, `, default: 5`]);
      known.columns.push({ name, kind, length: 20, isNullable });
      return `t.addColumn("${name}", { type: ${type}, allowNull: ${isNullable}${fill} });`;
    }
    case 2: {
      if (free.length < 2) return "";
      const gone = random.pick(free);
      drop(known.columns, gone);
      return `t.dropColumn("${gone.name}");`;
    }
    case 3: {
      if (free.length === 0 || missing.length === 0) return "";
      const [renamed, to] = [random.pick(free), random.pick(missing)];
      const from = renamed.name;
      renamed.name = to;
      return `t.renameColumn("${from}", "${to}");`;
    }
    case 4:
    case 5:
      if (column.kind === "number") {
        const from = random.pick(known.columns.filter(({ kind }) => kind === "number")).name;
        const using = random.int(2) === 0 ? "" : `, using: sql\`${from} + 1\``;
        return `t.alterColumn("${column.name}", { type: DataTypes.BIGINT${using} });`;
      }
      column.length += 10;
      return `t.alterColumn("${column.name}", { type: DataTypes.STRING(${column.length}) });`;
    case 6:
      column.isNullable = !column.isNullable;
      return column.isNullable
        ? `t.alterColumn("${column.name}", { allowNull: true });`
        : `t.alterColumn("${column.name}", { allowNull: false, fill: sql\`id * 7\` });`;
    case 7:
      return `t.alterColumn("${column.name}", ${random.pick([`{ default: "${random.int(9)}" }`, "{ dropDefault: true }", `{ comment: "${random.int(9)}" }`])});`;
    case 8: {
      const name = fresh("uq");
      known.constraints.push({ name, type: "unique", columns: [column.name] });
      return `t.createUnique("${name}", ["id", "${column.name}"]);`;
    }
    case 9: {
      const name = fresh("ck");
      known.constraints.push({ name, type: "check", columns: [column.name] });
      return `t.createCheck("${name}", "${column.name} IS NULL OR id > 0");`;
    }
    case 10: {
      const numbers = known.columns.filter(({ kind, isNullable }) => kind === "number" && isNullable);
      if (numbers.length === 0 || known.constraints.some(({ type }) => type === "foreignKey")) return "";
      const child = random.pick(numbers);
      const name = fresh("fk");
      known.constraints.push({ name, type: "foreignKey", columns: [child.name] });
      return `t.createForeignKey("${name}", ["${child.name}"], "t", ["id"]);`;
    }
    case 11: {
      const name = fresh("ix");
      const unique = random.int(3) === 0;
      known.indexes.push({ name, columns: [column.name] });
      return `t.createIndex("${name}", [${unique ? '"id", ' : ""}"${column.name}"], { unique: ${unique} });`;
    }
    case 12: {
      if (known.indexes.length === 0) return "";
      const index = random.pick(known.indexes);
      if (random.int(2) === 0) {
        const from = index.name;
        index.name = fresh("ix");
        return `t.renameIndex("${from}", "${index.name}");`;
      }
      drop(known.indexes, index);
      return `t.dropIndex("${index.name}");`;
    }
    default: {
      if (known.constraints.length === 0) return `t.comment("${random.int(9)}");`;
      const constraint = random.pick(known.constraints);
      drop(known.constraints, constraint);
      return `t.dropConstraint("${constraint.name}", "${constraint.type}");`;
    }
  }
}

describeEachDatabase("changes of one table", (database) => {
  let project: MigrationProject;
  let count = 0;
  let last: string | null = null;

  beforeAll(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
  });
  afterAll(() => project?.remove());
  afterEach(() => project.run("DROP TABLE IF EXISTS t"));

  /** @throws {Error} what the command wrote, where the revision fails; it counts as applied then */
  async function upgrade(body: string): Promise<void> {
    const [id, down] = [`r${String(++count).padStart(7, "0")}`, last];
    last = id;
    project.writeRevision({ id, down, upgrade: body });
    const { exitCode, stderr } = await project.db("upgrade");
    if (exitCode === 0) return;
    project.writeRevision({ id, down, upgrade: "" });
    await (stderr.includes("db resolve") ? project.ok("resolve", id, "--applied") : project.ok("upgrade"));
    throw new Error(stderr);
  }

  /** What becomes of the table by the operations. */
  async function outcome(body: string): Promise<unknown> {
    const int = database.name === "sqlite" ? "INTEGER" : "INT";
    await project.run(
      "DROP TABLE IF EXISTS t",
      `CREATE TABLE t (id ${int} NOT NULL PRIMARY KEY, a VARCHAR(20), b ${int}, c ${int} DEFAULT 1 NOT NULL, d VARCHAR(20) DEFAULT 'x')`,
      "INSERT INTO t VALUES (1, 'one', 1, 10, 'x'), (2, NULL, 1, 20, 'y'), (3, 'three', NULL, 30, 'x')",
    );
    await upgrade(body);
    const rows = await project.rows("SELECT * FROM t ORDER BY id");
    return { schema: await project.comparable(), rows };
  }

  it(
    "come to the same together as one by one",
    async () => {
      let compared = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + TRIALS; seed++) {
        const random = new Random(seed);
        const known: Known = {
          columns: [
            { name: "a", kind: "text", length: 20, isNullable: true },
            { name: "b", kind: "number", length: 0, isNullable: true },
            { name: "c", kind: "number", length: 0, isNullable: false },
            { name: "d", kind: "text", length: 20, isNullable: true },
          ],
          constraints: [],
          indexes: [],
        };
        const changes = Array.from({ length: 2 + random.int(7) }, () => makeChange(random, known)).filter(Boolean);
        const alone = changes.map((change) => `await op.alterTable("t", (t) => { ${change} });`).join("\n");
        let expected: unknown;
        try {
          expected = await outcome(alone);
        } catch {
          // The database refuses one of them, or rows stand in its way.
          continue;
        }
        compared++;
        const together = `await op.alterTable("t", (t) => {\n${changes.join("\n")}\n});`;
        const actual = await outcome(together).catch((error: Error) => error.message);
        expect(actual, `seed ${seed}:\n${together}`).toEqual(expected);
      }
      expect(compared).toBeGreaterThan(TRIALS / 2);
    },
    TRIALS * 10_000,
  );
});

describe("on the servers", () => {
  describeEachDatabase(
    "changes of one table",
    (database) => {
      it("are one ALTER TABLE, and tables are read once for all of a revision", async () => {
        const project = new MigrationProject(database.sequelize);
        try {
          await project.ok("init");
          const create = (name: string): string =>
            `await op.createTable("${name}", { id: { type: DataTypes.INTEGER, primaryKey: true }, a: { type: DataTypes.STRING(10), default: "x" }, b: { type: DataTypes.INTEGER }, old: { type: DataTypes.INTEGER } }, { uniques: [{ name: "uq_${name}", fields: ["old"] }] });`;
          project.writeRevision({ id: "a0000001", upgrade: ["t1", "t2", "t3"].map(create).join("\n") });
          const alter = (name: string): string => `await op.alterTable("${name}", (t) => {
            t.dropConstraint("uq_${name}", "unique");
            t.addColumn("n", { type: DataTypes.INTEGER, allowNull: false, default: 1 });
            t.alterColumn("a", { type: DataTypes.STRING(20), allowNull: false, default: "y", existing: { type: DataTypes.STRING(10) } });
            t.alterColumn("b", { type: DataTypes.BIGINT });
            t.createUnique("uq_${name}", ["b"]);
            t.createForeignKey("fk_${name}", ["n"], "${name}", ["id"]);
            t.createIndex("ix_${name}_a", ["a"]);
            t.dropColumn("old");
          });`;
          project.writeRevision({
            id: "a0000002",
            down: "a0000001",
            upgrade: ["t1", "t2", "t3"].map(alter).join("\n"),
          });
          await project.ok("upgrade", "a0000001");
          project.statements.length = 0;
          await project.ok("upgrade");
          const altering = project.statements.filter((sql) => sql.startsWith("ALTER TABLE"));
          expect(altering).toHaveLength(3);
          const reading = project.statements.filter((sql) => /pg_attrdef|information_schema\.COLUMNS/.test(sql));
          expect(reading).toHaveLength(1);
          const { tables } = await project.schema();
          expect(tables.find(({ name }) => name === "t2")).toMatchObject({
            uniques: [{ name: "uq_t2", columns: ["b"] }],
            foreignKeys: [{ name: "fk_t2", columns: ["n"] }],
            columns: [{ name: "id" }, { name: "a", nullable: false }, { name: "b" }, { name: "n" }],
          });
        } finally {
          project.remove();
        }
      });
    },
    {},
    databases().filter(({ name }) => name !== "sqlite"),
  );
});
