// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import { InvalidRequestError, StaleDataError } from "../../src/errors";
import type { AnyModel } from "./fixture";
import { defineRoles, describeSession } from "./fixture";

describeSession(
  "merge",
  (sequelize: Sequelize) => {
    const Document = sequelize.define(
      "Document",
      { id: { type: DataTypes.INTEGER, primaryKey: true }, title: DataTypes.STRING },
      { tableName: "documents", timestamps: false, version: true },
    );
    const Node = sequelize.define(
      "Node",
      { id: { type: DataTypes.INTEGER, primaryKey: true }, parentId: DataTypes.INTEGER },
      { tableName: "nodes", timestamps: false },
    );
    Node.belongsTo(Node, { as: "parent", foreignKey: "parentId" });
    Node.hasMany(Node, { as: "children", foreignKey: "parentId" });
    return {
      ...defineRoles(sequelize),
      Document: Document as unknown as AnyModel,
      Node: Node as unknown as AnyModel,
    };
  },
  (work) => {
    const stored = async (): Promise<any> => {
      const { s, models } = work;
      const role: any = new models.Role({ name: "admin" });
      const user: any = new models.User({ username: "u", bio: "b", role });
      s.add(user);
      await s.commit();
      await s.refresh(role);
      await s.refresh(user);
      work.all();
      return { role, user };
    };

    it("S-80: merge gives the session's object and leaves the given one as it was", async () => {
      const { s, models } = work;
      const { user } = await stored();
      const given: any = new models.User({ id: user.id, username: "merged" });
      const merged = await s.merge(given);
      expect(merged).toBe(user);
      expect(user.username).toBe("merged");
      expect([s.stateOf(given), s.has(given), given.username]).toEqual(["transient", false, "merged"]);
      expect([...s.dirty]).toEqual([user]);
      expect(work.all()).toEqual([]);
      expect(await s.merge(user)).toBe(user);
      work.all();
      const unsaved: any = new models.User({ username: "fresh" });
      const fresh: any = await s.merge(unsaved);
      expect(work.all()).toEqual([]);
      expect(fresh).not.toBe(unsaved);
      expect([s.stateOf(fresh), s.stateOf(unsaved), [...s.new]]).toEqual(["pending", "transient", [fresh]]);
      await s.commit();
      expect([fresh.id, unsaved.id, s.stateOf(unsaved)]).toEqual([2, null, "transient"]);
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["I(users)", "COMMIT"]);
      expect((await work.rows("users")).map((row) => row.username)).toEqual(["merged", "fresh"]);
    });

    it("S-81: merge looks into the session, then into the table, and else adds; it flushes once before", async () => {
      const { s, models } = work;
      const { user } = await stored();
      const before: any = new models.Role({ name: "before" });
      s.add(before);
      const known: any = await s.merge(new models.User({ id: user.id, username: user.username }));
      // It flushes before it looks, and what the session has is not asked for.
      expect([known, s.stateOf(before), work.steps()]).toEqual([user, "persistent", ["BEGIN", "I(roles)"]]);
      s.expunge(user);
      s.add(new models.Role({ name: "pending" }));
      const found: any = await s.merge(new models.User({ id: user.id, bio: "merged" }));
      expect(work.short()).toEqual(["I(roles)", "S(users)"]);
      expect(found).not.toBe(user);
      expect([found.username, found.bio, s.stateOf(found)]).toEqual(["u", "merged", "persistent"]);
      const missing: any = await s.merge(new models.User({ id: 4711, username: "new" }));
      expect([s.stateOf(missing), [...s.new]]).toEqual(["pending", [missing]]);
      // The first merge's change is flushed before the second looks.
      expect(work.steps()).toEqual(["U(users)", "S(users)"]);
      await s.commit();
      expect(work.steps().filter((each) => each !== "S(users)")).toEqual(["I(users)", "COMMIT"]);
      expect((await work.rows("users")).map((row) => row.id)).toEqual([user.id, 4711]);
    });

    it("S-81: nothing is flushed in the midst of a merge, whatever it has to look for", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.expungeAll();
      const fresh: any = new models.User({ username: "fresh" });
      const given: any = new models.Role({ id: 1, name: "merged", users: [new models.User({ id: user.id }), fresh] });
      const merged: any = await s.merge(given);
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([]);
      expect([s.stateOf(merged), s.isModified(merged), s.new.size]).toEqual(["persistent", true, 1]);
      expect(merged.users.map((each: any) => [each.username, s.stateOf(each)])).toEqual([
        ["u", "persistent"],
        ["fresh", "pending"],
      ]);
      await s.commit();
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual([
        "BEGIN",
        "U(roles)",
        "I(users)",
        "COMMIT",
      ]);
    });

    it("S-82: only set values are copied, null among them, and equal ones change nothing", async () => {
      const { s, models } = work;
      const { user } = await stored();
      await s.merge(new models.User({ id: user.id, username: "u" }));
      expect([s.isModified(user), user.role?.name]).toEqual([false, "admin"]);
      await s.flush();
      expect(work.all()).toEqual([]);
      expect(user.bio).toBe("b");
      await s.merge(new models.User({ id: user.id, bio: null }));
      expect([user.bio, user.username, s.isModified(user)]).toEqual([null, "u", true]);
      await s.commit();
      expect(work.statements()).toEqual([
        expect.stringMatching(/^UPDATE users SET bio = \S+ WHERE id = \S+ \[null,1\]$/),
      ]);
      expect(await work.rows("users")).toMatchObject([{ username: "u", bio: null }]);
    });

    it("S-83: a merged collection takes the place of the one that is there", async () => {
      const { s, models } = work;
      const { role, user } = await stored();
      const second: any = new models.User({ username: "second" });
      const given: any = new models.Role({ id: role.id, name: "admin", users: [second] });
      const merged: any = await s.merge(given);
      expect(merged).toBe(role);
      expect(role.users.toArray()).toHaveLength(1);
      expect(role.users.at(0)).not.toBe(second);
      expect(user.role).toBeNull();
      expect([s.stateOf(second), s.stateOf(given), s.stateOf(role.users.at(0))]).toEqual([
        "transient",
        "transient",
        "pending",
      ]);
      expect(given.users.toArray()).toEqual([second]);
      await s.commit();
      expect(work.steps().filter((each) => each !== "S(users)")).toEqual(["BEGIN", "U(users)", "I(users)", "COMMIT"]);
      // A relationship that the given object does not say anything about stays.
      await s.merge(new models.Role({ id: role.id, name: "renamed" }));
      await s.commit();
      expect(work.steps().filter((each) => !each.startsWith("S("))).toEqual(["BEGIN", "U(roles)", "COMMIT"]);
      expect(await work.rows("users", "username")).toMatchObject([
        { username: "second", role_id: role.id },
        { username: "u", role_id: null },
      ]);
    });

    it("S-83: circles end, and two given objects of one row become one", async () => {
      const { s, models } = work;
      const parent: any = new models.Node({ id: 1 });
      const child: any = new models.Node({ id: 2, parent });
      const twin: any = new models.Node({ id: 2 });
      parent.children.append(twin);
      const merged: any = await s.merge(child);
      expect(merged.parent.children.toArray()).toEqual([merged]);
      expect([s.stateOf(merged), s.stateOf(merged.parent), s.new.size]).toEqual(["pending", "pending", 2]);
      expect([parent, child, twin].map((each) => s.stateOf(each))).toEqual(Array(3).fill("transient"));
      expect(new Set(work.steps())).toEqual(new Set(["S(nodes)"]));
      await s.commit();
      expect(work.steps().filter((each) => each.startsWith("I"))).toEqual(["I(nodes)", "I(nodes)"]);
      expect(await work.rows("nodes")).toMatchObject([
        { id: 1, parentId: null },
        { id: 2, parentId: 1 },
      ]);
    });

    it("S-84: merge over a deleted object inserts it anew, and another version is refused", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.delete(user);
      const again: any = await s.merge(new models.User({ id: user.id, username: "again" }));
      expect(again).not.toBe(user);
      expect([s.stateOf(user), s.stateOf(again)]).toEqual(["deleted", "pending"]);
      expect(work.steps()).toEqual(["BEGIN", "D(users)", "S(users)"]);
      await s.commit();
      expect(work.steps().filter((each) => each !== "S(users)")).toEqual(["I(users)", "COMMIT"]);
      expect([s.stateOf(user), s.stateOf(again)]).toEqual(["detached", "persistent"]);
      expect(await work.rows("users")).toMatchObject([{ id: 1, username: "again" }]);
      s.add(new models.Document({ id: 1, title: "one" }));
      await s.commit();
      await expect(s.merge(new models.Document({ id: 1, title: "two", version: 7 }))).rejects.toThrow(StaleDataError);
      const [document]: any[] = await models.Document.query.all();
      expect([document.title, s.isModified(document), s.isActive]).toEqual(["one", false, true]);
      const merged: any = await s.merge(new models.Document({ id: 1, title: "two", version: 1 }));
      expect(merged).toBe(document);
      work.all();
      await s.commit();
      expect(work.steps()).toEqual(["BEGIN", "U(documents)", "COMMIT"]);
      expect(merged.version).toBe(2);
    });

    it("S-84: with load: false nothing is read, and changed objects are refused", async () => {
      const { s } = work;
      const { user } = await stored();
      s.expunge(user);
      const copy: any = await s.merge(user, { load: false });
      expect(work.all()).toEqual([]);
      expect(copy).not.toBe(user);
      expect([copy.username, s.stateOf(copy)]).toEqual(["u", "persistent"]);
      user.username = "changed";
      s.expungeAll();
      await expect(s.merge(user, { load: false })).rejects.toThrow(InvalidRequestError);
      expect([[...s].length, s.stateOf(user)]).toEqual([0, "detached"]);
      await s.commit();
      expect(work.all()).toEqual([]);
    });
  },
);
