import { describe, expect, it } from "vitest";
import { commandWord, hintForName, hintForText, queryInPlaceOf } from "../../src/shell/habit";

describe("habits of other prompts", () => {
  it.each<[string, string | undefined]>([
    ["select * from users;", 'SQL is run by db.session.execute("select * from users")'],
    ["SELECT\n  1", "SQL is run by db.session.execute(`…`)"],
    [`select '${"x".repeat(100)}'`, "SQL is run by db.session.execute(`…`)"],
    ["insert into users values (1)", 'SQL is run by db.session.execute("insert into users values (1)")'],
    ['update "users" set id = 1', 'SQL is run by db.session.execute("update \\"users\\" set id = 1")'],
    ["create table t (id int)", 'SQL is run by db.session.execute("create table t (id int)")'],
    ["with a as (select 1) select *", 'SQL is run by db.session.execute("with a as (select 1) select *")'],
    ["\\d users", ".tables, .schema TABLE, .describe Model"],
    ["\\q", ".exit"],
    ["\\?", ".help"],
    ["\\nothing", "commands begin with a dot: .help lists them"],
    ["select", undefined],
    ["update = 3 4", undefined],
    ["deleted from", undefined],
    ["let x = ;", undefined],
    ["const select = (", undefined],
  ])("%j: %s", (text, hint) => {
    expect(hintForText(text)).toBe(hint);
  });

  it.each<[string, string | undefined]>([
    ["exit", "exit"],
    ["quit();", "exit"],
    [" help ", "help"],
    ["help(User)", undefined],
    ["exit + 1", undefined],
    ["constructor", undefined],
  ])("the word %j is the command %s", (text, command) => {
    expect(commandWord(text)?.command).toBe(command);
  });

  it("names of other languages and mappers have a counterpart, and nothing else has", () => {
    expect(hintForName("None")).toBe("null");
    expect(hintForName("toString")).toBeUndefined();
    expect(queryInPlaceOf("User", "where")).toBe("User.query.filterBy({…})");
    expect(queryInPlaceOf("User", "valueOf")).toBeUndefined();
  });
});
