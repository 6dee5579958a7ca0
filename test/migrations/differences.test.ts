import type { ModelAttributes, ModelOptions, Sequelize } from "sequelize";
import { DataTypes, literal } from "sequelize";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeEachDatabase } from "../databases";
import { MigrationProject } from "./project";

interface Difference {
  what: string;
  before: ModelAttributes;
  after: ModelAttributes;
  options?: [Partial<ModelOptions>, Partial<ModelOptions>];
  /** What `db migrate` tells, per database; absent where nothing is there to be found. */
  found: Partial<Record<string, string | RegExp>> & { all?: string | RegExp };
  only?: string;
}

const { STRING, INTEGER, BIGINT, ENUM, DECIMAL, DATE, TEXT } = DataTypes;
const a = { type: STRING(20) };

const DIFFERENCES: Difference[] = [
  { what: "an added column", before: {}, after: { a }, found: { all: /Detected added column 'things\.a' \(/ } },
  {
    what: "a removed column",
    before: { a, b: { type: INTEGER } },
    after: { a },
    found: { all: "Detected removed column 'things.b'" },
  },
  {
    what: "another length",
    before: { a },
    after: { a: { type: STRING(30) } },
    found: { all: /Detected type change from .*\(20\) to .*\(30\) on 'things\.a'/ },
  },
  {
    what: "another type",
    before: { a: { type: INTEGER } },
    after: { a: { type: BIGINT } },
    found: { all: /Detected type change from INT.* to BIGINT.* on 'things\.a'/ },
  },
  {
    what: "another precision",
    before: { a: { type: DECIMAL(8, 2) } },
    after: { a: { type: DECIMAL(9, 3) } },
    found: { all: /Detected type change from .*8,2.* to .*9,3/ },
  },
  {
    what: "NOT NULL",
    before: { a },
    after: { a: { type: STRING(20), allowNull: false } },
    found: { all: "Detected NOT NULL on column 'things.a'" },
  },
  {
    what: "NULL",
    before: { a: { type: STRING(20), allowNull: false } },
    after: { a },
    found: { all: "Detected NULL on column 'things.a'" },
  },
  {
    what: "a default",
    before: { a },
    after: { a: { type: STRING(20), defaultValue: "it's" } },
    found: { all: /Detected server default on column 'things\.a': none to 'it''s'/ },
  },
  {
    what: "another default",
    before: { a: { type: INTEGER, defaultValue: 1 } },
    after: { a: { type: INTEGER, defaultValue: 2 } },
    found: { all: "Detected server default on column 'things.a': '1' to '2'" },
  },
  {
    what: "no default any more",
    before: { a: { type: INTEGER, defaultValue: 1 } },
    after: { a: { type: INTEGER } },
    found: { all: "Detected server default on column 'things.a': '1' to none" },
  },
  {
    what: "a default of the time",
    before: { a: { type: DATE } },
    after: { a: { type: DATE, defaultValue: literal("CURRENT_TIMESTAMP") } },
    found: {
      all: /Detected server default on column 'things\.a': none to '(CURRENT_TIMESTAMP|current_timestamp\(\))'/,
    },
  },
  {
    what: "a unique column",
    before: { a },
    after: { a: { type: STRING(20), unique: true } },
    found: { all: "Detected added unique constraint on 'things(a)'" },
  },
  {
    what: "a column that is unique no more",
    before: { a: { type: STRING(20), unique: true } },
    after: { a },
    found: { all: /Detected removed unique constraint 'uq_things_a' on 'things\(a\)'/ },
  },
  {
    what: "an index",
    before: { a },
    after: { a },
    options: [{}, { indexes: [{ fields: ["a"] }] }],
    found: { all: "Detected added index 'ix_things_a' on 'things(a)'" },
  },
  {
    what: "an index of another order",
    before: { a },
    after: { a },
    options: [{ indexes: [{ fields: ["a"] }] }, { indexes: [{ fields: [{ name: "a", order: "DESC" }] }] }],
    found: {
      all: /Detected removed index 'ix_things_a' on 'things\(a\)'[\s\S]*Detected added index 'ix_things_a' on 'things\(a DESC\)'/,
    },
  },
  {
    what: "an index that becomes unique",
    before: { a },
    after: { a },
    options: [{ indexes: [{ fields: ["a"] }] }, { indexes: [{ fields: ["a"], unique: true }] }],
    found: { all: /Detected added unique constraint on 'things\(a\)'/ },
  },
  {
    what: "a partial index",
    before: { a },
    after: { a },
    options: [{}, { indexes: [{ name: "part", fields: ["a"], where: { a: "x" } }] }],
    found: { sqlite: "Detected added index 'part'", postgres: "Detected added index 'part'" },
  },
  {
    what: "another condition of a partial index",
    before: { a },
    after: { a },
    options: [
      { indexes: [{ name: "part", fields: ["a"], where: { a: "x" } }] },
      { indexes: [{ name: "part", fields: ["a"], where: { a: "y" } }] },
    ],
    found: { sqlite: "Detected removed index 'part'", postgres: "Detected removed index 'part'" },
  },
  {
    what: "an expression index",
    before: { a },
    after: { a },
    options: [{}, { indexes: [{ name: "low", fields: [literal("lower(a)")] }] }],
    found: { sqlite: "Detected added index 'low' on 'things(lower(a))'", postgres: "Detected added index 'low'" },
  },
  {
    what: "a foreign key",
    before: { p: { type: INTEGER } },
    after: { p: { type: INTEGER, references: { model: "parents", key: "id" }, onDelete: "CASCADE" } },
    found: { all: "Detected added foreign key things(p) -> parents(id)" },
  },
  {
    what: "a foreign key that is gone",
    before: { p: { type: INTEGER, references: { model: "parents", key: "id" } } },
    after: { p: { type: INTEGER } },
    found: { all: "Detected removed foreign key things(p) -> parents(id)" },
  },
  {
    what: "another action of a foreign key",
    before: { p: { type: INTEGER, references: { model: "parents", key: "id" } } },
    after: { p: { type: INTEGER, references: { model: "parents", key: "id" }, onDelete: "CASCADE" } },
    found: { all: "Detected changed foreign key things(p) -> parents(id): ON DELETE NO ACTION to CASCADE" },
  },
  {
    what: "a check",
    before: { a },
    after: { a },
    options: [{ checks: [] }, { checks: [{ name: "ck_things_a", expression: "a <> ''" }] }],
    found: { all: /Detected added check 'ck_things_a' on 'things'/ },
  },
  {
    what: "another check",
    before: { a: { type: INTEGER } },
    after: { a: { type: INTEGER } },
    options: [{ checks: [{ name: "ck", expression: "a > 0" }] }, { checks: [{ name: "ck", expression: "a > 1" }] }],
    found: { all: /Detected removed check 'ck' on 'things'.*[\s\S]*Detected added check 'ck' on 'things'/ },
  },
  {
    what: "another value of an enumeration",
    before: { k: { type: ENUM("x", "y") } },
    after: { k: { type: ENUM("x", "y", "z") } },
    found: {
      postgres: "Detected type change from ENUM('x', 'y') to ENUM('x', 'y', 'z') on 'things.k'",
      mariadb: "Detected type change from ENUM('x', 'y') to ENUM('x', 'y', 'z') on 'things.k'",
    },
  },
  {
    what: "a comment of a column",
    before: { a },
    after: { a: { type: STRING(20), comment: "it's" } },
    found: {
      postgres: "Detected changed comment on column 'things.a'",
      mariadb: "Detected changed comment on column 'things.a'",
    },
  },
  {
    what: "a comment of the table",
    before: { a },
    after: { a },
    options: [{}, { comment: "things" }],
    found: {
      postgres: "Detected changed comment on table 'things'",
      mariadb: "Detected changed comment on table 'things'",
    },
  },
  {
    what: "another primary key",
    before: { x: { type: INTEGER, primaryKey: true }, y: { type: INTEGER, allowNull: false } },
    after: { x: { type: INTEGER, primaryKey: true }, y: { type: INTEGER, primaryKey: true } },
    found: { all: "Detected changed primary key of 'things': (x) to (x, y)" },
  },
  {
    what: "a generated column",
    before: { n: { type: INTEGER } },
    after: { n: { type: INTEGER }, g: { type: INTEGER, generatedAs: "n * 2" } },
    found: { all: /Detected added column 'things\.g'/ },
  },
  {
    what: "another expression of a generated column",
    before: { n: { type: INTEGER }, g: { type: INTEGER, generatedAs: "n * 2" } },
    after: { n: { type: INTEGER }, g: { type: INTEGER, generatedAs: "n * 3" } },
    found: { all: "Detected changed expression of generated column 'things.g'" },
  },
  {
    what: "a collation",
    before: { a: { type: STRING(20), collate: null } },
    after: { a: { type: STRING(20), collate: "NOCASE" } },
    found: { sqlite: "Detected collation change from none to NOCASE on 'things.a'" },
    only: "sqlite",
  },
  {
    what: "a collation",
    before: { a: { type: STRING(20), collate: null } },
    after: { a: { type: STRING(20), collate: "C" } },
    found: { postgres: "Detected collation change from none to C on 'things.a'" },
    only: "postgres",
  },
  {
    what: "a collation",
    before: { a: { type: STRING(20), collate: null } },
    after: { a: { type: STRING(20), collate: "utf8mb4_bin" } },
    found: { mariadb: "Detected collation change from none to utf8mb4_bin on 'things.a'" },
    only: "mariadb",
  },
  {
    what: "autoincrement",
    before: { x: { type: INTEGER, primaryKey: true } },
    after: { x: { type: INTEGER, primaryKey: true, autoIncrement: true } },
    found: { all: "Detected autoincrement on column 'things.x'" },
  },
  {
    what: "text of another kind",
    before: { a: { type: STRING(20) } },
    after: { a: { type: TEXT } },
    found: { all: /Detected type change from .* to TEXT on 'things\.a'/ },
  },
];

/** The models of every case, each on a table of its own. */
function defineCases(sequelize: Sequelize, cases: readonly Difference[], side: "before" | "after"): void {
  sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
  for (const [i, difference] of cases.entries()) {
    const attributes = difference[side];
    const options = difference.options?.[side === "before" ? 0 : 1] ?? {};
    const hasKey = Object.values(attributes).some(
      (attribute) => typeof attribute === "object" && "primaryKey" in attribute,
    );
    const id = hasKey ? {} : { id: { type: INTEGER, primaryKey: true, autoIncrement: true } };
    // Copies: Sequelize writes into the definitions that it is given.
    const own = Object.entries({ ...id, ...attributes }).map(([name, attribute]) => [
      name,
      { ...(attribute as object) },
    ]);
    const indexes = options.indexes?.map((index) => ({
      ...index,
      ...(index.name === undefined ? {} : { name: `${index.name}_${i}` }),
      fields: (index.fields ?? []).map((field) =>
        typeof field === "object" && "name" in field ? { ...field } : field,
      ),
    }));
    const checks = options.checks?.map((check) => ({ ...check, name: `${check.name}_${i}` }));
    sequelize.define(`Thing${i}`, Object.fromEntries(own) as ModelAttributes, {
      ...options,
      tableName: tableOf(i),
      timestamps: false,
      ...(indexes ? { indexes } : {}),
      ...(checks ? { checks } : {}),
    });
  }
}

/** Models of a table of parents and of one that refers to it by `p`, with indexes of its own. */
function parentAnd(table: string, indexes: object[], key: object = {}): (sequelize: Sequelize) => void {
  return (sequelize) => {
    sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
    const attributes = { p: { type: INTEGER, references: { model: "parents", key: "id" }, ...key }, n: INTEGER };
    sequelize.define(table, attributes, { tableName: table, timestamps: false, indexes });
  };
}

function tableOf(position: number): string {
  return `things${position}x`;
}

/** What is told of the case's own table, under the names that the cases are written with. */
function toldOf(position: number, stderr: string): string {
  const table = tableOf(position);
  return stderr
    .split("\n")
    .filter((line) => line.includes(table))
    .join("\n")
    .replaceAll(table, "things")
    .replaceAll(`_${position}'`, "'");
}

describeEachDatabase("autogenerate", (database) => {
  let project: MigrationProject;
  let told: string;
  const cases = DIFFERENCES.filter(({ only }) => only === undefined || only === database.name);
  // An index on what this database has no index for cannot be made at all.
  const possible = cases.filter(
    ({ options, found }) =>
      !options ||
      found.all !== undefined ||
      found[database.name] !== undefined ||
      !JSON.stringify(options).includes("index"),
  );

  beforeAll(async () => {
    project = new MigrationProject(database.sequelize);
    await project.ok("init");
    project.define((sequelize) => defineCases(sequelize, possible, "before"));
    await project.ok("migrate", "-m", "before", "--no-rename");
    await project.ok("upgrade");
    await project.ok("check");
  });
  afterAll(() => project?.remove());

  it("makes every difference, takes it back and makes it again, and finds nothing then", async () => {
    const former = await project.comparable();
    project.define((sequelize) => defineCases(sequelize, possible, "after"));
    told = (await project.ok("migrate", "-m", "after", "--no-rename")).stderr;
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    const latter = await project.comparable();
    await project.ok("downgrade");
    expect(await project.comparable()).toEqual(former);
    await project.ok("upgrade");
    expect(await project.comparable()).toEqual(latter);
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
  });

  it.each(possible.map((difference, position) => ({ ...difference, position })))(
    "tells of $what where the database keeps it",
    ({ found, position }) => {
      const wanted = found.all ?? found[database.name];
      if (wanted === undefined) expect(toldOf(position, told)).toBe("");
      else expect(toldOf(position, told)).toMatch(toPattern(wanted));
    },
  );

  it("leaves nothing of them when the models go", async () => {
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    await project.ok("migrate", "-m", "end");
    await project.ok("upgrade");
    const { tables, enums } = await project.schema();
    expect(tables.map(({ name }) => name)).toEqual(["migration_versions", "parents"]);
    expect(enums).toEqual([]);
  });

  it("finds tables that are added and removed, parents before children", async () => {
    project.define((sequelize) => {
      const One = sequelize.define("One", {}, { tableName: "ones", timestamps: false });
      const Two = sequelize.define("Two", {}, { tableName: "twos", timestamps: false });
      One.belongsTo(Two, { foreignKey: "twoId" });
      Two.belongsTo(One, { foreignKey: "oneId" });
      sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
    });
    const { stderr } = await project.ok("migrate", "-m", "circle");
    expect(stderr).toContain("Detected added table 'ones'\nINFO  [migrate] Detected added table 'twos'\n");
    await project.ok("upgrade");
    await project.ok("check");
    await project.ok("downgrade");
    expect((await project.schema()).tables.map(({ name }) => name)).toEqual(["migration_versions", "parents"]);
    await project.ok("upgrade");
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    expect((await project.ok("migrate", "-m", "gone")).stderr).toContain("Detected removed table 'ones'");
    await project.ok("upgrade");
    await project.ok("downgrade");
    await project.ok("upgrade");
  });

  it("keeps the index of a column whose foreign key goes", async () => {
    const models = (references: object) => (sequelize: Sequelize) => {
      sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
      const attributes = { p: { type: INTEGER, ...references } };
      sequelize.define("Kept", attributes, { tableName: "kept", timestamps: false, indexes: [{ fields: ["p"] }] });
    };
    const withKey = { references: { model: "parents", key: "id" }, onDelete: "CASCADE" };
    const withoutIndex = (sequelize: Sequelize): void => {
      sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
      sequelize.define("Kept", { p: { type: INTEGER, ...withKey } }, { tableName: "kept", timestamps: false });
    };
    project.define(withoutIndex);
    await project.ok("migrate", "-m", "key");
    await project.ok("upgrade");
    project.define(models(withKey));
    await project.ok("migrate", "-m", "index");
    await project.ok("upgrade");
    const former = await project.comparable();
    project.define(models({}));
    await project.ok("migrate", "-m", "no key");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    await project.ok("downgrade");
    expect(await project.comparable()).toEqual(former);
    await project.ok("upgrade");
    await project.ok("check");
  });

  it("drops several indexes that one foreign key rests on", async () => {
    const models = (indexes: object[]) => parentAnd("doubled", indexes);
    project.define(models([]));
    await project.ok("migrate", "-m", "key");
    await project.ok("upgrade");
    const former = await project.comparable();
    project.define(models([{ fields: [{ name: "p", order: "DESC" }] }, { fields: ["p", "n"] }]));
    await project.ok("migrate", "-m", "indexes");
    await project.ok("upgrade");
    await project.ok("downgrade");
    expect(await project.comparable()).toEqual(former);
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
  });

  it.each([
    ["the same column downwards", { fields: [{ name: "p", order: "DESC" }] }],
    ["another column", { fields: ["n"] }],
    ["both, the other first", { fields: ["n", "p"] }],
    ["the same column, once each", { fields: ["p"], unique: true }],
  ])("makes an index under the name of the one that a foreign key keeps: of %s", async (_, index) => {
    const models = (indexes: object[]) => parentAnd("named", indexes);
    project.define(models([]));
    await project.ok("migrate", "-m", "key");
    await project.ok("upgrade");
    const former = await project.comparable();
    project.define(models([{ ...index, name: "fk_named_p_parents" }]));
    await project.ok("migrate", "-m", "index");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    await project.ok("downgrade");
    expect(await project.comparable()).toEqual(former);
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    await project.ok("migrate", "-m", "none");
    await project.ok("upgrade");
  });

  it("keeps the index of a foreign key's column when one comes that begins with it", async () => {
    const models = (indexes: object[]) => parentAnd("grown", indexes);
    const schemas: unknown[] = [];
    for (const indexes of [[], [["p"]], [["p"], ["p", "n"]]]) {
      project.define(models(indexes.map((fields) => ({ fields }))));
      await project.ok("migrate", "-m", "next");
      await project.ok("upgrade");
      expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
      schemas.push(await project.comparable());
    }
    await project.ok("downgrade");
    expect(await project.comparable()).toEqual(schemas[1]);
    await project.ok("upgrade");
    expect(await project.comparable()).toEqual(schemas[2]);
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    await project.ok("migrate", "-m", "none");
    await project.ok("upgrade");
  });

  it("keeps the index of a column whose foreign key changes", async () => {
    for (const onDelete of ["CASCADE", "SET NULL"]) {
      project.define(parentAnd("changed", [], { onDelete }));
      await project.ok("migrate", "-m", "next");
      project.statements.length = 0;
      await project.ok("upgrade");
      expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    }
    expect(project.statements.filter((sql) => sql.includes("DROP INDEX"))).toEqual([]);
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    await project.ok("migrate", "-m", "none");
    await project.ok("upgrade");
  });

  it("makes a unique and a plain index of the same columns, to which Sequelize gives one name", async () => {
    project.define((sequelize) => {
      sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
      const indexes = [{ fields: ["a", "b"] }, { fields: ["a", "b"], unique: true }];
      sequelize.define("Twice", { a: INTEGER, b: INTEGER }, { tableName: "twice", timestamps: false, indexes });
    });
    await project.ok("migrate", "-m", "twice");
    await project.ok("upgrade");
    expect((await project.ok("check")).stdout).toBe("No new upgrade operations detected.\n");
    const twice = (await project.schema()).tables.find(({ name }) => name === "twice");
    expect([...(twice?.indexes ?? []), ...(twice?.uniques ?? [])].map(({ name }) => name).sort()).toEqual([
      "ix_twice_a_b",
      "uq_twice_a_b",
    ]);
    await project.ok("downgrade");
    await project.ok("upgrade");
    project.define((sequelize) => sequelize.define("Parent", {}, { tableName: "parents", timestamps: false }));
    await project.ok("migrate", "-m", "none");
    await project.ok("upgrade");
  });

  it("retypes a key and the keys that refer to it", async () => {
    const models =
      (type: typeof INTEGER) =>
      (sequelize: Sequelize): void => {
        sequelize.define(
          "Owner",
          { id: { type, primaryKey: true, autoIncrement: true } },
          { tableName: "owners", timestamps: false },
        );
        sequelize.define(
          "Pet",
          { ownerId: { type, references: { model: "owners", key: "id" }, onDelete: "CASCADE" } },
          { tableName: "pets", timestamps: false },
        );
        sequelize.define("Parent", {}, { tableName: "parents", timestamps: false });
      };
    project.define(models(INTEGER));
    await project.ok("migrate", "-m", "integers");
    await project.ok("upgrade");
    await project.run(
      "INSERT INTO owners (id) VALUES (1)",
      `INSERT INTO pets (id, ${project.connect().dialect.quote("ownerId")}) VALUES (1, 1)`,
    );
    project.define(models(BIGINT));
    await project.ok("migrate", "-m", "bigints");
    await project.ok("upgrade");
    await project.ok("check");
    expect(await project.rows("SELECT count(*) AS n FROM pets")).toEqual([
      { n: expect.toSatisfy((n) => Number(n) === 1) },
    ]);
    await project.ok("downgrade");
    await project.ok("upgrade");
    await project.ok("check");
  });
});

function toPattern(found: string | RegExp): RegExp {
  return typeof found === "string" ? new RegExp(found.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")) : found;
}
