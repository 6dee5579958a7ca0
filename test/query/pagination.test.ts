import { expect, it } from "vitest";
import { NotFound } from "../../src/errors";
import type { Pagination } from "../../src/query/pagination";
import type { Query } from "../../src/query/query";
import { func, text } from "../../src/query/expressions";
import { joined } from "../../src/query/load-options";
import { describeQueries } from "./fixture";
import type { User as UserModel } from "./models";

const DEFAULT_DESCRIPTION =
  "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";

describeQueries("Pagination and 404s", (fixture) => {
  const query = (): Query<UserModel> => fixture.User.query.orderBy("id");
  const ids = (page: Iterable<UserModel>): number[] => [...page].map((user) => user.id);

  it("N-1: a miss is a 404 with a description", async () => {
    const none = query().filterBy({ id: 99 });
    const misses = [
      () => none.firstOr404(),
      () => none.oneOr404(),
      () => query().getOr404(99),
      () => query().getOr404("abc"),
    ];
    for (const miss of misses) {
      await expect(miss()).rejects.toMatchObject({
        name: "NotFound",
        code: 404,
        status: 404,
        statusCode: 404,
        expose: true,
        description: DEFAULT_DESCRIPTION,
        message: `404 Not Found: ${DEFAULT_DESCRIPTION}`,
      });
    }
    await expect(none.firstOr404("no such user")).rejects.toMatchObject({ message: "404 Not Found: no such user" });
    await expect(query().getOr404(99, "")).rejects.toMatchObject({ description: "", message: "404 Not Found: " });
    await expect(query().oneOr404("several")).rejects.toMatchObject({ description: "several" });
  });

  it("N-1: a hit is the object, and other errors pass through", async () => {
    const { outcome, sent } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.id = ?";
    expect(await outcome(query().firstOr404())).toEqual([
      "SELECT users.* FROM users ORDER BY users.id LIMIT ?",
      [1],
      1,
    ]);
    expect(await outcome(query().getOr404(2))).toEqual([sql, [2], 2]);
    expect(await outcome(query().filterBy({ id: 3 }).oneOr404())).toEqual([`${sql} ORDER BY users.id`, [3], 3]);
    const before = sent().length;
    await expect(query().limit(1).getOr404(1)).rejects.toMatchObject({ name: "InvalidRequestError" });
    expect(sent()).toHaveLength(before);
    const failing = fixture.User.query.filter(text("no_such_function_(users.id) = 1"));
    for (const run of [() => failing.firstOr404(), () => failing.oneOr404("x")]) {
      await expect(run()).rejects.toMatchObject({ name: "DatabaseError" });
      await fixture.executor.connection.rollback();
      await fixture.executor.connection.begin();
    }
  });

  it("N-1: a miss sends one statement, and several rows are a miss of oneOr404()", async () => {
    const { sent, executor } = fixture;
    const sql = "SELECT users.* FROM users WHERE users.id = ?";
    const none = query().filterBy({ id: 99 });
    const misses: [() => Promise<unknown>, string, unknown[]][] = [
      [() => none.firstOr404(), `${sql} ORDER BY users.id LIMIT ?`, [99, 1]],
      [() => none.oneOr404(), `${sql} ORDER BY users.id`, [99]],
      [() => query().getOr404(99), sql, [99]],
      [() => query().oneOr404(), "SELECT users.* FROM users ORDER BY users.id", []],
    ];
    for (const [miss, text, parameters] of misses) {
      const before = sent().length;
      expect(await fixture.outcome(miss().catch((reason: Error) => reason.name))).toEqual([
        text,
        parameters,
        "NotFound",
      ]);
      expect(sent()).toHaveLength(before + 1);
    }
    const before = executor.sent.length;
    await expect(query().getOr404("abc")).rejects.toBeInstanceOf(NotFound);
    expect(executor.sent).toHaveLength(before);
  });

  it("P-1: arguments are given by name", async () => {
    for (const positional of [1, 0, "2", true])
      await expect(query().paginate(positional as never), String(positional)).rejects.toThrow(TypeError);
    await expect(query().paginate(null as never)).rejects.toThrow(
      "paginate() takes its arguments by name: paginate({ page: 2, perPage: 20 }).",
    );
    await expect(query().paginate({ per_page: 2 } as never)).rejects.toMatchObject({
      name: "ArgumentError",
      message: 'paginate() has no option "per_page".',
      hint: 'did you mean "perPage"?',
    });
    expect(fixture.sent()).toEqual([]);
  });

  it("P-1: defaults, bounds, and what is out of them", async () => {
    const { sent, executor } = fixture;
    const shape = async (options: object): Promise<unknown> => {
      const page = await query().paginate(options);
      return [page.page, page.perPage, page.items.length, executor.sent.at(-2)?.parameters];
    };
    expect(await shape({})).toEqual([1, 20, 5, [20, 0]]);
    expect(await shape({ perPage: 2, page: 2 })).toEqual([2, 2, 2, [2, 2]]);
    expect(await shape({ perPage: 500 })).toEqual([1, 500, 5, [500, 0]]);
    expect(await shape({ perPage: 500, maxPerPage: 3 })).toEqual([1, 3, 3, [3, 0]]);
    expect(await shape({ perPage: 2, maxPerPage: 3 })).toEqual([1, 2, 2, [2, 0]]);
    expect(await shape({ maxPerPage: 3, page: 2 })).toEqual([2, 3, 2, [3, 3]]);
    expect(await shape({ page: null, perPage: null, maxPerPage: null })).toEqual([1, 20, 5, [20, 0]]);
    for (const options of [{ page: 0 }, { page: -1 }, { perPage: 0 }, { perPage: -5 }, { maxPerPage: 0 }]) {
      const before = sent().length;
      await expect(query().paginate(options)).rejects.toThrow(NotFound);
      expect(sent()).toHaveLength(before);
      expect(await shape({ ...options, errorOut: false })).toEqual([1, 20, 5, [20, 0]]);
    }
  });

  it("P-2: text of digits is a number; anything else is a 404 or the default, before any SQL", async () => {
    const { sent, executor } = fixture;
    const second = await query().paginate({ page: "2", perPage: "2" });
    expect([second.page, second.perPage, ids(second)]).toEqual([2, 2, [3, 4]]);
    expect(executor.sent.at(-2)?.parameters).toEqual([2, 2]);
    const before = sent().length;
    for (const wrong of ["abc", 1.5, NaN, "", "1.5", Infinity, "1; DROP TABLE users", {}, []]) {
      await expect(query().paginate({ page: wrong } as never), `page ${String(wrong)}`).rejects.toThrow(NotFound);
      await expect(query().paginate({ perPage: wrong } as never), `perPage ${String(wrong)}`).rejects.toThrow(NotFound);
    }
    for (const page of ["9007199254740991", Number.MAX_SAFE_INTEGER])
      await expect(query().paginate({ page })).rejects.toThrow(NotFound);
    expect(sent()).toHaveLength(before);
    const defaults = await query().paginate({ page: "abc", perPage: 1.5, errorOut: false });
    expect([defaults.page, defaults.perPage, ids(defaults)]).toEqual([1, 20, [1, 2, 3, 4, 5]]);
    expect(executor.sent.at(-2)?.parameters).toEqual([20, 0]);
  });

  it("P-3: reads the items, then counts without order and loading; an empty later page is a 404 without counting", async () => {
    const { sent, User, executor } = fixture;
    const found = await User.query
      .filter(User.c.id.gt(1))
      .options(joined("role"))
      .orderBy("id")
      .paginate({ page: 2, perPage: 2 });
    expect([ids(found), found.total]).toEqual([[4, 5], 4]);
    expect(sent()).toEqual([
      'SELECT users.id, users.username, users.age, users.active, users.role_id AS "roleId", roles_1.id AS roles_1_id, ' +
        "roles_1.name FROM users LEFT OUTER JOIN roles AS roles_1 ON roles_1.id = users.role_id " +
        "WHERE users.id > ? ORDER BY users.id LIMIT ? OFFSET ?",
      "SELECT count(*) AS count FROM (SELECT users.id, users.username, users.age, users.active, users.role_id FROM users " +
        "WHERE users.id > ?) AS anon_1",
    ]);
    expect(executor.sent.slice(-2).map((event) => event.parameters)).toEqual([[1, 2, 2], [1]]);
    let before = sent().length;
    await expect(query().paginate({ page: 4, perPage: 2 })).rejects.toThrow(NotFound);
    expect(sent().slice(before)).toEqual([expect.stringMatching(/ LIMIT \? OFFSET \?$/)]);
    before = sent().length;
    const uncounted = await query().paginate({ perPage: 2, count: false });
    expect(sent().slice(before)).toEqual([expect.stringMatching(/ LIMIT \? OFFSET \?$/)]);
    expect(ids(uncounted)).toEqual([1, 2]);
    expect([uncounted.total, uncounted.pages, uncounted.hasNext, [...uncounted.iterPages()]]).toEqual([
      null,
      0,
      false,
      [],
    ]);
    const groups = User.query.withEntities(User.c.age, func.count().label("n")).groupBy("age").orderBy("age");
    const grouped = await groups.paginate({ perPage: 3 });
    expect([grouped.items.length, grouped.total, grouped.pages]).toEqual([3, 4, 2]);
  });

  it("P-4: an empty first page, and an empty one behind the last", async () => {
    const { executor, sent } = fixture;
    const empty = await query().filterBy({ id: 99 }).paginate();
    expect(empty).toMatchObject({
      page: 1,
      items: [],
      total: 0,
      pages: 0,
      first: 0,
      last: 0,
      hasNext: false,
      hasPrev: false,
      nextNum: null,
      prevNum: null,
    });
    expect(executor.sent.slice(-2).map((event) => event.parameters)).toEqual([[99, 20, 0], [99]]);
    const before = sent().length;
    const behind = await query().paginate({ page: 9, perPage: 2, errorOut: false });
    expect(behind).toMatchObject({
      page: 9,
      items: [],
      total: 5,
      pages: 3,
      first: 0,
      last: 0,
      hasNext: false,
      hasPrev: true,
      prevNum: 8,
      nextNum: null,
    });
    expect(sent()).toHaveLength(before + 2);
    expect(executor.sent.at(-2)?.parameters).toEqual([2, 16]);
  });

  it("P-5: knows its place among the pages", async () => {
    const first = await query().paginate({ perPage: 2 });
    expect(first).toMatchObject({
      pages: 3,
      total: 5,
      hasPrev: false,
      prevNum: null,
      hasNext: true,
      nextNum: 2,
      first: 1,
      last: 2,
    });
    const last = await query().paginate({ page: 3, perPage: 2 });
    expect(last).toMatchObject({ hasPrev: true, prevNum: 2, hasNext: false, nextNum: null, first: 5, last: 5 });
    expect(ids(last)).toEqual([5]);
  });

  it("P-6: next() and prev() read the neighbours and do not count again", async () => {
    const { sent, executor, outcome } = fixture;
    const first = await query().paginate({ perPage: 200, maxPerPage: 2 });
    const before = sent().length;
    const second = await first.next();
    expect(sent().slice(before)).toEqual([expect.stringMatching(/ FROM users ORDER BY users\.id LIMIT \? OFFSET \?$/)]);
    expect(executor.sent.at(-1)?.parameters).toEqual([2, 2]);
    expect([second.page, second.perPage, second.total, second.pages, ids(second)]).toEqual([2, 2, 5, 3, [3, 4]]);
    const back = await second.prev();
    expect([back.page, back.perPage, back.total, ids(back)]).toEqual([1, 2, 5, [1, 2]]);
    expect(executor.sent.at(-1)?.parameters).toEqual([2, 0]);
    const clamped = await first.prev();
    expect([clamped.page, ids(clamped)]).toEqual([1, [1, 2]]);
    const third = await second.next();
    expect([third.page, ids(third), third.hasNext, third.nextNum]).toEqual([3, [5], false, null]);
    const fourth = await third.next();
    expect([fourth.page, fourth.items, fourth.total]).toEqual([4, [], 5]);
    expect(executor.sent.at(-1)?.parameters).toEqual([2, 6]);
    await expect(third.next({ errorOut: true })).rejects.toThrow(NotFound);
    await expect(first.prev({ errorOut: true })).rejects.toThrow(NotFound);
    const wide = await query().paginate({ perPage: 500 });
    expect((await outcome(wide.next()))[1]).toEqual([500, 500]);
  });

  it("P-7: gives the numbers for a bar of pages, with gaps", async () => {
    const page = await query().paginate({ page: 5, perPage: 1 });
    expect([...page.iterPages()]).toEqual([1, 2, 3, 4, 5]);
    const many = Object.create(page, { total: { value: 15 } }) as Pagination<UserModel>;
    const bar = (leftEdge: number, leftCurrent: number, rightCurrent: number, rightEdge: number): (number | null)[] => [
      ...many.iterPages({ leftEdge, leftCurrent, rightCurrent, rightEdge }),
    ];
    expect(bar(0, 0, 0, 0)).toEqual([null, 5, null]);
    expect(bar(1, 1, 1, 1)).toEqual([1, null, 4, 5, 6, null, 15]);
    expect(bar(0, 1, 1, 0)).toEqual([null, 4, 5, 6, null]);
    expect(bar(3, 0, 0, 3)).toEqual([1, 2, 3, null, 5, null, 13, 14, 15]);
    expect(bar(20, 0, 0, 0)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    expect([...many.iterPages()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, null, 14, 15]);
  });

  it("P-8: a query with bounds of its own is refused before any SQL", async () => {
    const { sent } = fixture;
    for (const bounded of [query().limit(3), query().offset(1), query().slice(0, 2), query().limit(0)])
      await expect(bounded.paginate()).rejects.toMatchObject({
        name: "InvalidRequestError",
        message: expect.stringContaining("already has LIMIT or OFFSET applied"),
      });
    expect(sent()).toEqual([]);
  });
});
