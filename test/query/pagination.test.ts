import { expect, it } from "vitest";
import { NotFound } from "../../src/errors";
import type { Pagination } from "../../src/query/pagination";
import type { Query } from "../../src/query/query";
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
    expect((await query().firstOr404()).id).toBe(1);
    expect((await query().getOr404(2)).username).toBe("susan");
    expect((await query().filterBy({ id: 3 }).oneOr404()).username).toBe("david");
    await expect(query().limit(1).getOr404(1)).rejects.toMatchObject({ name: "InvalidRequestError" });
  });

  it("P-1: arguments are given by name", async () => {
    await expect(query().paginate(1 as never)).rejects.toThrow(TypeError);
    await expect(query().paginate(null as never)).rejects.toThrow(
      "paginate() takes its arguments by name: paginate({ page: 2, perPage: 20 }).",
    );
    await expect(query().paginate({ per_page: 2 } as never)).rejects.toMatchObject({
      message: 'paginate() has no option "per_page".',
      hint: 'did you mean "perPage"?',
    });
  });

  it("P-1: defaults, bounds, and what is out of them", async () => {
    const shape = async (options: object): Promise<unknown> => {
      const page = await query().paginate(options);
      return [page.page, page.perPage, page.items.length];
    };
    expect(await shape({})).toEqual([1, 20, 5]);
    expect(await shape({ perPage: 2, page: 2 })).toEqual([2, 2, 2]);
    expect(await shape({ perPage: 500 })).toEqual([1, 500, 5]);
    expect(await shape({ perPage: 500, maxPerPage: 3 })).toEqual([1, 3, 3]);
    expect(await shape({ page: null, perPage: null })).toEqual([1, 20, 5]);
    for (const options of [{ page: 0 }, { page: -1 }, { perPage: 0 }, { perPage: -5 }, { maxPerPage: 0 }]) {
      await expect(query().paginate(options)).rejects.toThrow(NotFound);
      expect(await shape({ ...options, errorOut: false })).toEqual([1, 20, 5]);
    }
  });

  it("P-2: text of digits is a number; anything else is a 404 or the default, before any SQL", async () => {
    expect((await query().paginate({ page: "2", perPage: "2" })).page).toBe(2);
    const before = fixture.executor.sent.length;
    for (const page of ["abc", 1.5, NaN, "", "1.5", Infinity]) {
      await expect(query().paginate({ page })).rejects.toThrow(NotFound);
    }
    for (const page of ["9007199254740991", Number.MAX_SAFE_INTEGER])
      await expect(query().paginate({ page })).rejects.toThrow(NotFound);
    expect(fixture.executor.sent.length).toBe(before);
    expect((await query().paginate({ page: "abc", perPage: 1.5, errorOut: false })).perPage).toBe(20);
  });

  it("P-3: reads the items, then counts without order and loading; an empty later page is a 404 without counting", async () => {
    const { sent, User } = fixture;
    await User.query.options(joined("role")).orderBy("id").paginate({ page: 2, perPage: 2 });
    expect(sent()[0]).toMatch(/ LIMIT \? OFFSET \?$/);
    expect(fixture.executor.sent.at(-2)?.parameters).toEqual([2, 2]);
    expect(sent()[1]).toMatch(/^SELECT count\(\*\) AS count FROM \(SELECT (?!.*(ORDER BY|JOIN))/);
    const before = sent().length;
    await expect(query().paginate({ page: 4, perPage: 2 })).rejects.toThrow(NotFound);
    expect(sent()).toHaveLength(before + 1);
    const uncounted = await query().paginate({ perPage: 2, count: false });
    expect([uncounted.total, uncounted.pages, uncounted.hasNext, [...uncounted.iterPages()]]).toEqual([
      null,
      0,
      false,
      [],
    ]);
  });

  it("P-4: an empty first page, and an empty one behind the last", async () => {
    const empty = await query().filterBy({ id: 99 }).paginate();
    expect(empty).toMatchObject({ items: [], total: 0, pages: 0, first: 0, last: 0, hasNext: false, hasPrev: false });
    const behind = await query().paginate({ page: 9, perPage: 2, errorOut: false });
    expect(behind).toMatchObject({ page: 9, items: [], first: 0, last: 0, hasPrev: true, prevNum: 8, nextNum: null });
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
    const { sent } = fixture;
    const first = await query().paginate({ perPage: 200, maxPerPage: 2 });
    const before = sent().length;
    const second = await first.next();
    expect(sent()).toHaveLength(before + 1);
    expect([second.page, second.perPage, second.total, ids(second)]).toEqual([2, 2, 5, [3, 4]]);
    expect(ids(await second.prev())).toEqual([1, 2]);
    expect((await first.prev()).page).toBe(1);
    const third = await second.next();
    expect((await third.next()).items).toEqual([]);
    await expect(third.next({ errorOut: true })).rejects.toThrow(NotFound);
    await expect(first.prev({ errorOut: true })).rejects.toThrow(NotFound);
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
    await expect(query().limit(3).paginate()).rejects.toThrow(/already has LIMIT or OFFSET applied/);
    expect(sent()).toEqual([]);
  });
});
