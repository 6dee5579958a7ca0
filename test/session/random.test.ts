// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import type { SessionTransaction } from "../../src/session/transaction";
import type { AnyModel, Work } from "./fixture";
import { describeSession } from "./fixture";

/*
 * A session and a plain model of it in memory get the same random operations; after every transaction the objects and the
 * tables are compared with the model. SEED=… repeats a run, LONG=1 makes it twenty times as long.
 */

const TRANSACTIONS = process.env["LONG"] ? 600 : 30;
const OPERATIONS = 25;
const TIMEOUT_MS = process.env["LONG"] ? 1_800_000 : 60_000;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

function define(sequelize: Sequelize): { Parent: AnyModel; Child: AnyModel; Tag: AnyModel } {
  const id = { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true };
  const options = { timestamps: false };
  const Parent = sequelize.define("Parent", { id, name: DataTypes.STRING }, { ...options, tableName: "parents" });
  const Child = sequelize.define(
    "Child",
    { id, name: DataTypes.STRING, data: DataTypes.JSON, parentId: DataTypes.INTEGER },
    { ...options, tableName: "children" },
  );
  const Tag = sequelize.define("Tag", { id, name: DataTypes.STRING }, { ...options, tableName: "tags" });
  Child.belongsTo(Parent, { as: "parent", foreignKey: "parentId" });
  Parent.hasMany(Child, { as: "children", foreignKey: "parentId", orderBy: "id" });
  Child.belongsToMany(Tag, { as: "tags", through: "child_tags", ...options, foreignKey: "childId", otherKey: "tagId" });
  Tag.belongsToMany(Child, {
    as: "children",
    through: "child_tags",
    ...options,
    foreignKey: "tagId",
    otherKey: "childId",
  });
  return { Parent, Child, Tag } as unknown as { Parent: AnyModel; Child: AnyModel; Tag: AnyModel };
}

/** What the model knows of one object: the object stands for itself, so that it is found again. */
interface Expected {
  kind: "parent" | "child" | "tag";
  object: any;
  name: string;
  data: number | null;
  parent: Expected | null;
  tags: Set<Expected>;
}

/** The plain model: what is in the table if everything so far is flushed. */
class Memory {
  alive = new Set<Expected>();

  copy(): Map<Expected, Omit<Expected, "kind" | "object">> {
    return new Map(
      [...this.alive].map((each) => [
        each,
        { name: each.name, data: each.data, parent: each.parent, tags: new Set(each.tags) },
      ]),
    );
  }

  restore(copy: ReturnType<Memory["copy"]>): void {
    this.alive = new Set(copy.keys());
    for (const [each, values] of copy) Object.assign(each, values, { tags: new Set(values.tags) });
  }

  of(kind: Expected["kind"]): Expected[] {
    return [...this.alive].filter((each) => each.kind === kind);
  }
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Trial {
  readonly memory = new Memory();
  operations = 0;
  readonly log: string[] = [];
  #committed = this.memory.copy();
  readonly #savepoints: { handle: SessionTransaction; before: ReturnType<Memory["copy"]> }[] = [];
  readonly #random: () => number;
  readonly #work: Work<ReturnType<typeof define>>;
  #count = 0;

  constructor(work: Work<ReturnType<typeof define>>, seed: number) {
    this.#work = work;
    this.#random = generator(seed);
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  async step(): Promise<void> {
    this.operations++;
    const operation = this.pick(OPERATION_NAMES) as (typeof OPERATION_NAMES)[number];
    this.log.push(operation);
    await this[operation]();
  }

  make(kind: Expected["kind"], values: object = {}): Expected {
    const { Parent, Child, Tag } = this.#work.models;
    const name = `${kind} ${++this.#count}`;
    const object = new { parent: Parent, child: Child, tag: Tag }[kind]({ name, ...values });
    return { kind, object, name, data: null, parent: null, tags: new Set() };
  }

  async addParent(): Promise<void> {
    const parent = this.make("parent");
    this.#work.s.add(parent.object);
    this.memory.alive.add(parent);
  }

  async addTag(): Promise<void> {
    const tag = this.make("tag");
    this.#work.s.add(tag.object);
    this.memory.alive.add(tag);
  }

  async addChild(): Promise<void> {
    const parent = this.pick(this.memory.of("parent")) ?? null;
    const child = this.make("child", parent !== null && this.#random() < 0.5 ? { parent: parent.object } : {});
    if (parent !== null && child.object.parent === null) parent.object.children.append(child.object);
    child.parent = parent;
    this.#work.s.add(child.object);
    this.memory.alive.add(child);
  }

  async rename(): Promise<void> {
    const each = this.pick([...this.memory.alive]);
    if (each === undefined) return;
    each.name = `${each.kind} renamed ${++this.#count}`;
    each.object.name = each.name;
  }

  async changeInPlace(): Promise<void> {
    const child = this.pick(this.memory.of("child"));
    if (child === undefined) return;
    const value = Math.floor(this.#random() * 5);
    const current = child.object.data;
    if (current !== null) current.value = value;
    else child.object.data = { value };
    child.data = value;
  }

  async move(): Promise<void> {
    const child = this.pick(this.memory.of("child"));
    if (child === undefined) return;
    const parent = this.#random() < 0.25 ? null : (this.pick(this.memory.of("parent")) ?? null);
    if (parent === null) child.object.parent = null;
    else if (this.#random() < 0.5) child.object.parent = parent.object;
    else parent.object.children.append(child.object);
    child.parent = parent;
  }

  async remove(): Promise<void> {
    const child = this.pick(this.memory.of("child").filter((each) => each.parent !== null));
    if (child?.parent == null) return;
    child.parent.object.children.remove(child.object);
    child.parent = null;
  }

  async replaceChildren(): Promise<void> {
    const parent = this.pick(this.memory.of("parent"));
    if (parent === undefined) return;
    const children = this.memory.of("child").filter(() => this.#random() < 0.3);
    parent.object.children = children.map((each) => each.object);
    for (const child of this.memory.of("child"))
      if (child.parent === parent && !children.includes(child)) child.parent = null;
    for (const child of children) child.parent = parent;
  }

  async tag(): Promise<void> {
    const [child, tag] = [this.pick(this.memory.of("child")), this.pick(this.memory.of("tag"))];
    if (child === undefined || tag === undefined) return;
    if (child.tags.has(tag)) {
      if (this.#random() < 0.5) child.object.tags.remove(tag.object);
      else tag.object.children.remove(child.object);
      child.tags.delete(tag);
    } else {
      if (this.#random() < 0.5) child.object.tags.append(tag.object);
      else tag.object.children.append(child.object);
      child.tags.add(tag);
    }
  }

  async delete(): Promise<void> {
    const each = this.pick([...this.memory.alive]);
    const { s } = this.#work;
    if (each === undefined) return;
    // A child that was given to a parent and not yet flushed would keep its key, and the delete would fail.
    await s.flush();
    s.delete(each.object);
    // The relationships follow at the flush.
    await s.flush();
    this.memory.alive.delete(each);
    for (const other of this.memory.alive) {
      if (other.parent === each) other.parent = null;
      other.tags.delete(each);
    }
  }

  async flush(): Promise<void> {
    await this.#work.s.flush();
  }

  async query(): Promise<void> {
    const { Parent, Child, Tag } = this.#work.models;
    const rows: any[] = await Child.query.orderBy("id").all();
    const known = new Map(this.memory.of("child").map((each) => [each.object, each]));
    expect(rows.length).toBe(known.size);
    for (const row of rows) expect(known.has(row)).toBe(true);
    const parent = this.pick(this.memory.of("parent"));
    if (parent === undefined) return;
    expect(await parent.object.children.count()).toBe(
      [...known.values()].filter((each) => each.parent === parent).length,
    );
    expect([await Parent.query.count(), await Tag.query.count()]).toEqual([
      this.memory.of("parent").length,
      this.memory.of("tag").length,
    ]);
  }

  async load(): Promise<void> {
    const parent = this.pick(this.memory.of("parent"));
    if (parent !== undefined) {
      await parent.object.children.load();
      const expected = this.memory.of("child").filter((each) => each.parent === parent);
      expect(new Set(parent.object.children)).toEqual(new Set(expected.map((each) => each.object)));
    }
    const child = this.pick(this.memory.of("child"));
    if (child === undefined) return;
    await child.object.tags.load();
    expect(new Set(child.object.tags)).toEqual(new Set([...child.tags].map((each) => each.object)));
  }

  async savepoint(): Promise<void> {
    if (this.#savepoints.length > 3) return;
    const handle = await this.#work.s.beginNested();
    this.#savepoints.push({ handle, before: this.memory.copy() });
  }

  async release(): Promise<void> {
    const savepoint = this.#savepoints.pop();
    await savepoint?.handle.commit();
  }

  async rollbackTo(): Promise<void> {
    const depth = Math.floor(this.#random() * this.#savepoints.length);
    const savepoint = this.#savepoints[depth];
    if (savepoint === undefined) return;
    await savepoint.handle.rollback();
    this.#savepoints.length = depth;
    this.memory.restore(savepoint.before);
    this.compareObjects();
  }

  async commit(): Promise<void> {
    await this.#work.s.commit();
    this.#savepoints.length = 0;
    this.#committed = this.memory.copy();
  }

  async rollback(): Promise<void> {
    await this.#work.s.rollback();
    this.#savepoints.length = 0;
    this.memory.restore(this.#committed);
    this.compareObjects();
  }

  async end(): Promise<void> {
    if (this.#random() < 0.7) await this.commit();
    else await this.rollback();
    this.compareObjects();
    await this.compareTables();
  }

  compareObjects(): void {
    const { s } = this.#work;
    for (const each of this.memory.alive) {
      expect(["pending", "persistent"]).toContain(s.stateOf(each.object));
      expect(each.object.name).toBe(each.name);
      if (each.kind !== "child") continue;
      expect(each.object.data?.value ?? null).toBe(each.data);
      expect(each.object.parent).toBe(each.parent?.object ?? null);
    }
  }

  async compareTables(): Promise<void> {
    const quote = (name: string): string => this.#work.s.dialect.identifier(name);
    const parents = await this.#work.rows("parents");
    const children = await this.#work.rows("children");
    const links = await this.#work.rows("child_tags", `${quote("childId")}, ${quote("tagId")}`);
    const byId = (a: { id: number }, b: { id: number }): number => a.id - b.id;
    expect(parents.map(({ id, name }) => ({ id, name }))).toEqual(
      this.memory
        .of("parent")
        .map(({ object, name }) => ({ id: object.id as number, name }))
        .sort(byId),
    );
    const dataOf = (value: unknown): { value?: unknown } | null =>
      (typeof value === "string" ? JSON.parse(value) : value) as { value?: unknown } | null;
    expect(
      children.map(({ id, name, data, parentId }) => ({ id, name, data: dataOf(data)?.value ?? null, parentId })),
    ).toEqual(
      this.memory
        .of("child")
        .map(({ object, name, data, parent }) => ({
          id: object.id as number,
          name,
          data,
          parentId: parent?.object.id ?? null,
        }))
        .sort(byId),
    );
    expect(links.map(({ childId, tagId }) => `${childId}-${tagId}`).sort()).toEqual(
      this.memory
        .of("child")
        .flatMap((child) => [...child.tags].map((tag) => `${child.object.id}-${tag.object.id}`))
        .sort(),
    );
  }
}

const OPERATION_NAMES = [
  "addParent",
  "addTag",
  "addChild",
  "addChild",
  "rename",
  "rename",
  "changeInPlace",
  "move",
  "move",
  "remove",
  "replaceChildren",
  "tag",
  "tag",
  "delete",
  "flush",
  "query",
  "load",
  "savepoint",
  "release",
  "rollbackTo",
] as const;

describeSession("random operations", define, (work) => {
  it(
    `a session and a plain model agree after every transaction (SEED=${SEED})`,
    async () => {
      const trial = new Trial(work, SEED);
      for (let transaction = 0; transaction < TRANSACTIONS; transaction++) {
        trial.log.length = 0;
        try {
          const count = 1 + Math.floor(OPERATIONS * ((transaction % 5) / 4));
          for (let i = 0; i < count; i++) await trial.step();
          await trial.end();
        } catch (error) {
          (error as Error).message += `\nSEED=${SEED}, transaction ${transaction}: ${trial.log.join(", ")}`;
          throw error;
        }
      }
      expect(work.warnings()).toEqual([]);
      expect(trial.operations).toBeGreaterThan(TRANSACTIONS * 5);
    },
    TIMEOUT_MS,
  );
});
