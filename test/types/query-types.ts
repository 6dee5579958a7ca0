/**
 * What compiles and what does not: `npm run typecheck` reads this file, nothing runs it.
 *
 * Each `@ts-expect-error` says why the line below it must be refused; a line that is no longer refused fails the check.
 */
import type { Sequelize } from "sequelize";
import { Op } from "sequelize";
import { aliased, and, cast, desc, func, literal, not, or, text, when } from "../../src/query/expressions";
import { joined, loadOnly, raiseload } from "../../src/query/load-options";
import type { Pagination } from "../../src/query/pagination";
import { Query } from "../../src/query/query";
import type { Role, User } from "../query/models";
import { Item, Keyword, Node, Note } from "../query/models";

declare const models: { Role: typeof Role; User: typeof User };
declare const sequelize: Sequelize;
const { Role: R, User: U } = models;

/** Fails to compile unless the two types are the same. */
function same<A>() {
  return <B extends A>(_check: [A] extends [B] ? true : false): void => undefined;
}

export async function results(): Promise<void> {
  same<User[]>()<Awaited<ReturnType<typeof U.query.all>>>(true);
  same<User | null>()<Awaited<ReturnType<typeof U.query.first>>>(true);
  same<User>()<Awaited<ReturnType<typeof U.query.one>>>(true);
  same<number>()<Awaited<ReturnType<typeof U.query.count>>>(true);
  same<Pagination<User>>()<Awaited<ReturnType<typeof U.query.paginate>>>(true);
  const users: User[] = await U.query.filterBy({ username: "john" }).orderBy("id").limit(1).all();
  const name: string = (await U.query.getOr404(1)).username;
  for await (const user of U.query) name.concat(user.username);
  const alias = aliased(U, U.query.limit(3).subquery(), "last");
  users.push(...(await Query.of(() => undefined, alias).all()));
  users.push(...(await R.query.join(R.c.users).withEntities(U).all()));
  const pairs = Query.of(() => undefined, U, R).options(joined(R.c.users), loadOnly(U.c.username), raiseload("*"));
  for (const [user, role] of await pairs.all()) [user.username, role.name].sort();
  // @ts-expect-error: a path begins at a relationship, not at a column.
  pairs.options(joined(R.c.name));
  U.query.filter(U.c.id.in(U.query.withEntities(U.c.id).subquery()), alias.c.username.eq("x"));
  // @ts-expect-error: the results are users, not roles.
  const roles: Role[] = users;
  return void roles;
}

export function filters(role: Role, user: User): unknown {
  const right = [
    U.query.filterBy({ username: "john", age: null, active: true }),
    U.query.filterBy({ role }),
    U.query.filterBy({ role: null }),
    U.query.filterBy({ roleId: 3 }),
    U.query.filter({ username: { [Op.like]: "j%" } }),
    U.query.filter(sequelize.literal("1 = 1")),
    U.query.filter(U.c.username.eq("john"), U.c.age.gt(1), U.c.active),
    U.query.filter(U.c.age.in([1, 2, null]), U.c.age.in(U.query.withEntities(U.c.age))),
    U.query.filter(U.c.role.has({ name: "x" }), R.c.users.any(U.c.id.eq(1)), R.c.users.contains(user)),
    U.query.filter(not(and(U.c.id.eq(1), or(U.c.age.isNull(), text("1 = 1"))))),
    U.query.join(U.c.role).filterBy({ name: "User" }),
    U.query.join("role").filterBy({ name: "User" }).resetJoinpoint().filterBy({ username: "x" }),
    U.query.join(R).filterBy({ name: "User" }),
    U.query.join(aliased(R)).filterBy({ name: "User" }),
    Item.query.join(Item.c.keywords).filterBy({ word: "x" }),
    Node.query.filterBy({ parent: null }).options(joined("children")),
    Note.query.filterBy({ isPublic: true }),
  ];
  // @ts-expect-error: no such attribute.
  U.query.filterBy({ usernam: 1 });
  // @ts-expect-error: a username is text.
  U.query.filterBy({ username: 1 });
  // @ts-expect-error: a relationship is compared with an object, not with a key.
  U.query.filterBy({ role: 3 });
  // @ts-expect-error: an object of another model.
  U.query.filterBy({ role: user });
  // @ts-expect-error: after the join filterBy speaks of roles.
  U.query.join(U.c.role).filterBy({ username: "x" });
  // @ts-expect-error: no such relationship in the names that can be joined, and no path either.
  U.query.join(3);
  // @ts-expect-error: a comparison of JavaScript is no condition.
  U.query.filter(true);
  // @ts-expect-error: nor is text.
  U.query.filter("id = 1");
  return right;
}

export function columns(): unknown {
  const right = [
    U.c.username.eq("x"),
    U.c.username.eq(null),
    U.c.username.eq(func.lower("X")),
    U.c.id.eq(1),
    U.c.age.add(1),
    U.c.age.between(1, 2),
    U.c.id.eq(U.query.withEntities(func.max(U.c.id))),
    U.c.role.eq(null),
    Keyword.c.items.any(),
  ];
  // @ts-expect-error: no such attribute.
  void U.c.usernam;
  // @ts-expect-error: a username is text.
  U.c.username.eq(1);
  // @ts-expect-error: an age is a number.
  U.c.age.gt("1");
  // @ts-expect-error: a list of numbers.
  U.c.id.in(["1"]);
  // @ts-expect-error: nothing is less than NULL.
  U.c.age.lt(null);
  // @ts-expect-error: undefined is never a value.
  U.c.age.eq(undefined);
  // @ts-expect-error: a column is no condition on related rows.
  U.c.username.any();
  // @ts-expect-error: the criteria of any() speak of users.
  R.c.users.any({ name: "x" });
  return right;
}

export async function rows(): Promise<unknown> {
  const query = U.query.withEntities(U.c.id, func.count().label("n"), U.c.age.label("years"));
  const [row] = await query.all();
  if (row === undefined) return;
  const id: number = row.id;
  const n: number = row.n;
  const years: number | null = row.years;
  const first: number = row[0];
  const second: number = row[1];
  const [a, b] = row;
  const sum: number = a + b;
  const keys: readonly (string | undefined)[] = row.keys();
  // @ts-expect-error: nothing has this label.
  void row.m;
  // @ts-expect-error: a count is a number.
  const wrong: string = row.n;
  // @ts-expect-error: rows are frozen.
  row[0] = 1;
  const scalar: number | null = await U.query.withEntities(func.count()).scalar();
  const pair = await Query.of(() => undefined, U, R.c.name).one();
  const user: User = pair[0];
  const name: string = pair.name;
  const size = when(U.c.age.gt(10), "big").otherwise("small").label("size");
  const sized: string = (await U.query.withEntities(size).one()).size;
  const moment: Date = (await Query.of(() => undefined, func.now().label("moment")).one()).moment;
  const five: number = (await Query.of(() => undefined, literal(5).label("five")).one()).five;
  const cut: string = (await U.query.withEntities(cast<string>(U.c.id, "text").label("t")).one()).t;
  const sub = U.query.withEntities(U.c.roleId, func.count().label("n")).groupBy("roleId").subquery();
  const joinedRow = await R.query.join(sub, sub.c.roleId.eq(R.c.id)).withEntities(R.c.name, sub.c.n).one();
  const counted: number = joinedRow.n;
  // @ts-expect-error: the subquery has no such column.
  void sub.c.m;
  const u = aliased(U, "u");
  const both = await Query.of(() => undefined, u, u.c.username.label("other"))
    .orderBy(desc("other"))
    .one();
  const aliasUser: User = both[0];
  return [
    id,
    n,
    years,
    first,
    second,
    sum,
    keys,
    wrong,
    scalar,
    user,
    name,
    sized,
    moment,
    five,
    cut,
    counted,
    aliasUser,
  ];
}

export async function changes(): Promise<void> {
  await U.query.update({ username: "x", age: null });
  await U.query.update({ age: U.c.age.add(1) }, { synchronizeSession: "fetch" });
  // @ts-expect-error: no such attribute.
  await U.query.update({ usernam: "x" });
  // @ts-expect-error: an age is a number.
  await U.query.update({ age: "old" });
  // @ts-expect-error: no such way.
  await U.query.delete({ synchronizeSession: "sometimes" });
  // @ts-expect-error: pages are asked for by name.
  await U.query.paginate(2);
  const union: Query<User> = U.query.union(U.query.filterBy({ id: 1 }), U.query.join("role"));
  // @ts-expect-error: unions are of queries of the same.
  U.query.union(R.query);
  return void union;
}
