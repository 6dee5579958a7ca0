// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { joined, selectin } from "../../src/query/load-options";
import type { AnyModel } from "./fixture";
import { describeSession } from "./fixture";

// Random loads, loops that are left early, deletions that are rolled back, and collections of garbage: whoever is kept stays the
// one object of its row. SEED=… repeats a run, LONG=1 makes it twenty times as long.

const STEPS = process.env["LONG"] ? 1200 : 60;
const TIMEOUT_MS = process.env["LONG"] ? 1_800_000 : 60_000;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const OWNERS = 40;
const MEMBERS = 900;

function define(sequelize: Sequelize): Record<"Owner" | "Member" | "Tag", AnyModel> {
  const plain = { timestamps: false, underscored: true };
  const Owner = sequelize.define("Owner", { name: DataTypes.STRING(20) }, { ...plain, tableName: "owners" });
  const Member = sequelize.define("Member", { name: DataTypes.STRING(20) }, { ...plain, tableName: "members" });
  const Tag = sequelize.define(
    "Tag",
    { code: { type: DataTypes.STRING(20), primaryKey: true }, note: DataTypes.STRING(20) },
    { ...plain, tableName: "tags" },
  );
  Owner.hasMany(Member, { as: "members", foreignKey: "ownerId" });
  Member.belongsTo(Owner, { as: "owner", foreignKey: "ownerId" });
  return { Owner, Member, Tag } as unknown as Record<"Owner" | "Member" | "Tag", AnyModel>;
}

describeSession("the identity map under random use", define, (work) => {
  it(
    `S-30: whoever is kept stays the object of its row (SEED=${SEED})`,
    async () => {
      const { s, models } = work;
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      let seed = SEED || 1;
      const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
      const { Owner, Member, Tag } = models;
      const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
      await s.bulkInsertMappings(Owner, numbers(OWNERS).map((i) => ({ name: `owner ${i}` })) as never);
      const [first]: any[] = await Owner.query.orderBy("id").all();
      // Scattered among the owners, so that the members of joined rows come in another order than that of their keys.
      await s.bulkInsertMappings(
        Member,
        numbers(MEMBERS).map((i) => ({ name: `member ${i}`, ownerId: first.id + ((i * 7) % OWNERS) })) as never,
      );
      await s.bulkInsertMappings(
        Tag,
        numbers(MEMBERS).map((i) => ({ code: `tag-${(i * 31) % 997}`, note: `${i}` })) as never,
      );
      await s.commit();
      const [lowest]: any[] = await Member.query.orderBy("id").all();

      const kept = new Map<string, any>();
      const keyOf = (object: any): string => `${object.constructor.name} ${object.id ?? object.code}`;
      const meet = (object: any): void => {
        const known = kept.get(keyOf(object));
        if (known !== undefined) expect(object).toBe(known);
        else if (random(40) === 0) kept.set(keyOf(object), object);
      };
      const model = (): AnyModel => (random(3) === 0 ? Tag : Member);
      const some = (from: AnyModel): any => {
        const orders = from === Tag ? [["code"], ["note"]] : [["id"], ["ownerId", "name"]];
        return from.query
          .orderBy(...(orders[random(2)] as string[]))
          .limit(1 + random(400))
          .offset(random(MEMBERS));
      };
      const operations: (() => Promise<void>)[] = [
        async () => (await some(model()).all()).forEach(meet),
        async () => {
          let left = random(500);
          for await (const object of some(model()).yieldPer(1 + random(120))) {
            meet(object);
            if (left-- === 0) break;
          }
        },
        async () => {
          const load = random(2) === 0 ? joined : selectin;
          for (const owner of await Owner.query.options(load("members")).orderBy("id").all()) {
            meet(owner);
            for (const member of owner.members) {
              meet(member);
              expect(member.ownerId).toBe(owner.id);
            }
          }
        },
        async () => {
          for (const [object, id] of (await s
            .query(Member, Member.c.id)
            .limit(random(200) + 1)
            .all()) as any[]) {
            meet(object);
            expect(object.id).toBe(id);
          }
        },
        async () => {
          for (let i = 0; i < 30; i++) {
            const key = random(2) === 0 ? lowest.id + random(MEMBERS) : `tag-${random(997)}`;
            const object: any = await s.get(typeof key === "number" ? Member : Tag, key);
            if (object !== null) meet(object);
          }
          for (const object of [...kept.values()].slice(0, 20))
            expect(await s.get(object.constructor, object.id ?? object.code)).toBe(object);
        },
        async () => {
          for (const key of [...kept.keys()]) if (random(2) === 0) kept.delete(key);
        },
        async () => {
          for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 2)).then(collect);
        },
        async () => {
          if (random(2) === 0) s.expireAll();
          else await s.commit();
        },
        async () => {
          const doomed = [...kept.values()].filter(({ code, ownerId }) => code ?? ownerId).slice(0, random(60));
          for (const object of doomed) s.delete(object);
          await s.flush();
          for (const object of doomed) expect(await s.get(object.constructor, object.id ?? object.code)).toBeNull();
          await s.rollback();
        },
        async () => {
          // A collection would go on having a member that was expunged, as it should.
          const object: any = [...kept.values()].find(({ code }) => code !== undefined);
          if (object === undefined) return;
          s.expunge(object);
          const again: any = await s.get(Tag, object.code);
          expect(again).not.toBe(object);
          kept.set(keyOf(again), again);
        },
      ];
      for (let step = 0; step < STEPS; step++) {
        await operations[random(operations.length)]?.();
        work.all();
      }
      expect(kept.size).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
