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
      expect(s.stateOf(given)).toBe("transient");
      expect(await s.merge(user)).toBe(user);
      const fresh = await s.merge(new models.User({ username: "fresh" }));
      expect(s.stateOf(fresh)).toBe("pending");
      await s.commit();
      expect((await work.rows("users")).map((row) => row.username)).toEqual(["merged", "fresh"]);
    });

    it("S-81: merge looks into the session, then into the table, and else adds; it flushes once before", async () => {
      const { s, models } = work;
      const { user } = await stored();
      s.expunge(user);
      s.add(new models.Role({ name: "pending" }));
      const found: any = await s.merge(new models.User({ id: user.id, bio: "merged" }));
      expect(work.short()).toEqual(["I(roles)", "S(users)"]);
      expect(found).not.toBe(user);
      expect([found.username, found.bio, s.stateOf(found)]).toEqual(["u", "merged", "persistent"]);
      const missing: any = await s.merge(new models.User({ id: 4711, username: "new" }));
      expect(s.stateOf(missing)).toBe("pending");
      await s.commit();
      expect((await work.rows("users")).map((row) => row.id)).toEqual([user.id, 4711]);
    });

    it("S-82: only set values are copied, null among them, and equal ones change nothing", async () => {
      const { s, models } = work;
      const { user } = await stored();
      await s.merge(new models.User({ id: user.id, username: "u" }));
      await s.flush();
      expect(work.short()).toEqual([]);
      expect(user.bio).toBe("b");
      await s.merge(new models.User({ id: user.id, bio: null }));
      expect(user.bio).toBeNull();
      await s.commit();
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
      await s.commit();
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
      await s.commit();
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
      await s.commit();
      expect(await work.rows("users")).toMatchObject([{ id: 1, username: "again" }]);
      s.add(new models.Document({ id: 1, title: "one" }));
      await s.commit();
      await expect(s.merge(new models.Document({ id: 1, title: "two", version: 7 }))).rejects.toThrow(StaleDataError);
      const merged: any = await s.merge(new models.Document({ id: 1, title: "two", version: 1 }));
      await s.commit();
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
      await expect(s.merge(user, { load: false })).rejects.toThrow(InvalidRequestError);
    });
  },
);
