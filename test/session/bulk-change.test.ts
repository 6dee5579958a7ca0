// `any`: tests read and write attributes of many models; their types are tested elsewhere.
/* eslint-disable @typescript-eslint/no-explicit-any */
import { DataTypes } from "sequelize";
import type { Sequelize } from "sequelize";
import { expect, it } from "vitest";
import type { AnyModel } from "./fixture";
import { describeSession } from "./fixture";

function define(sequelize: Sequelize) {
  const options = { timestamps: false, underscored: true } as const;
  const Team = sequelize.define("Team", { name: DataTypes.STRING }, { ...options, tableName: "teams" });
  const Player = sequelize.define(
    "Player",
    { name: DataTypes.STRING, score: DataTypes.INTEGER, joined: DataTypes.DATE(3), tags: DataTypes.JSON },
    { ...options, tableName: "players" },
  );
  Team.hasMany(Player, { as: "players", foreignKey: "teamId", onDelete: "CASCADE", cascade: "all" });
  Player.belongsTo(Team, { as: "team", foreignKey: "teamId", onDelete: "CASCADE" });
  return { Team: Team as unknown as AnyModel, Player: Player as unknown as AnyModel };
}

describeSession("bulk changes", define, (work) => {
  const stored = async (): Promise<any[]> => {
    const { s, models } = work;
    const team: any = new models.Team({ name: "t" });
    const players: any[] = [1, 2, 3].map((score) => new models.Player({ name: `p${score}`, score, team }));
    s.addAll(players);
    await s.commit();
    await models.Player.query.all();
    work.all();
    return players;
  };

  it("Q-21: objects that match have the new values and no changes of their own", async () => {
    const { s, models } = work;
    const { Player } = models as any;
    for (const synchronizeSession of ["auto", "evaluate", "fetch"]) {
      const players = await stored();
      expect(
        await Player.query.filter(Player.c.score.ge(2)).update({ score: 9, name: "x" }, { synchronizeSession }),
      ).toBe(2);
      const sent = work.sql().map((sql) => sql.replaceAll("`", "").replaceAll(/\$\d/g, "?"));
      expect(sent).toEqual([
        ...(synchronizeSession === "fetch" ? ["SELECT players.id FROM players WHERE players.score >= ?"] : []),
        "UPDATE players SET score = ?, name = ? WHERE players.score >= ?",
      ]);
      expect(players.map((each) => [each.score, each.name])).toEqual([
        [1, "p1"],
        [9, "x"],
        [9, "x"],
      ]);
      expect([...s.dirty]).toEqual([]);
      await s.rollback();
      expect(await Player.query.filter(Player.c.score.ge(2)).count()).toBe(2);
      await Player.query.all();
      expect(players.map((each) => each.score)).toEqual([1, 2, 3]);
      await Player.query.delete();
      await s.commit();
      s.expungeAll();
    }
  });

  it("Q-21: without synchronizing objects keep what they have until they are read again", async () => {
    const { s, models } = work;
    const { Player } = models as any;
    const players = await stored();
    expect(await Player.query.update({ score: 9 }, { synchronizeSession: false })).toBe(3);
    expect(players.map((each) => each.score)).toEqual([1, 2, 3]);
    await s.refresh(players[0]);
    expect(players[0].score).toBe(9);
  });

  it("Q-21: an unflushed change gives way to what the database has", async () => {
    const { s, models } = work;
    const { Player } = models as any;
    const [player] = await stored();
    await s.noAutoflush(async () => {
      player.score = 77;
      await Player.query.filter(Player.c.id.eq(player.id)).update({ score: 5 });
    });
    await Player.query.get(player.id);
    expect(player.score).toBe(5);
    expect(s.isModified(player)).toBe(false);
  });

  it("Q-21: each object has values of its own", async () => {
    const { s, models } = work;
    const { Player } = models as any;
    const [first, second] = await stored();
    const [day, tags] = [new Date("2026-01-31T00:00:00.000Z"), { list: [1] }];
    await Player.query.update({ joined: day, tags }, { synchronizeSession: "fetch" });
    first.joined.setUTCFullYear(1999);
    first.tags.list.push(2);
    tags.list.push(3);
    expect(second.joined.toISOString()).toBe("2026-01-31T00:00:00.000Z");
    expect(second.tags).toEqual({ list: [1] });
    expect([...s.dirty]).toEqual([first]);
    await s.commit();
    await s.refresh(second);
    await s.refresh(first);
    expect([first.tags, second.tags]).toEqual([{ list: [1, 2] }, { list: [1] }]);
    expect(first.joined.getUTCFullYear()).toBe(1999);
  });

  it("Q-22: objects that match are deleted, and a rollback returns them", async () => {
    const { s, models } = work;
    const { Player } = models as any;
    const players = await stored();
    expect(await Player.query.filter(Player.c.score.lt(3)).delete()).toBe(2);
    expect(work.sql().map((sql) => sql.replaceAll("`", "").replaceAll(/\$\d/g, "?"))).toEqual([
      "DELETE FROM players WHERE players.score < ?",
    ]);
    expect(players.map((each) => s.stateOf(each))).toEqual(["deleted", "deleted", "persistent"]);
    expect(await s.get(Player, players[0].id)).toBeNull();
    await s.rollback();
    expect(players.map((each) => s.stateOf(each))).toEqual(["persistent", "persistent", "persistent"]);
    expect(await Player.query.count()).toBe(3);
    await Player.query.filter(Player.c.score.lt(3)).delete();
    await s.commit();
    expect(players.map((each) => s.stateOf(each))).toEqual(["detached", "detached", "persistent"]);
  });

  it("Q-22: nothing cascades but what the database does itself", async () => {
    const { s, models } = work;
    const { Team, Player } = models;
    const players = await stored();
    work.all();
    expect(await Team.query.delete()).toBe(1);
    expect(work.short()).toEqual(["D(teams)"]);
    expect(s.stateOf(players[0])).toBe("persistent");
    expect(await Player.query.count()).toBe(0);
    await s.rollback();
    expect(await Player.query.count()).toBe(3);
  });
});
