import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { failure } from "../../src/render/failure";
import { plan } from "../../src/render/plan";
import { render, renderTo } from "../../src/render/render";
import { formats, type RenderOptions } from "../../src/render/render-options";
import { countView, note, pageView, scalar } from "../../src/render/renderable";
import { resultSet, resultSetOf, type Row } from "../../src/render/result-set";

const options: RenderOptions = { format: "table", terminal: true, color: false, width: 80 };
const columns = [
  { name: "id", kind: "number" },
  { name: "username", kind: "text" },
] as const;

async function* arriving(count: number): AsyncGenerator<Row> {
  for (let id = 1; id <= count; id++) {
    if (id % 1000 === 0) await setTimeout(0);
    yield [id, `user${id}`];
  }
}

describe("render", () => {
  it("shows a page with its place among the pages", () => {
    const items = resultSet({ columns, rows: [[21, "susan"]] });
    const page = pageView({ items, page: 2, perPage: 20, total: 1132 });
    expect(render(page, options).split("\n").at(-1)).toBe("page 2 of 57 · 20 per page · 1 132 rows");
    expect(JSON.parse(render(page, { ...options, format: "json" }))).toEqual([{ id: 21, username: "susan" }]);
  });

  it("shows a page of an uncounted result", () => {
    const page = pageView({ items: resultSet({ columns, rows: [] }), page: 3, perPage: 20, total: null });
    expect(render(page, options).split("\n").at(-1)).toBe("page 3 · 20 per page");
  });

  it("shows how many rows a statement changed", () => {
    expect(render(countView(3, "updated"), options)).toBe("3 rows updated");
    expect(render(countView(1, "deleted"), options)).toBe("1 row deleted");
    expect(render(countView(3, "updated"), { ...options, format: "json", terminal: false })).toBe("3");
  });

  it("shows a note dim, and to programs not at all", () => {
    expect(render(note("committed: 6 inserts"), { ...options, color: true })).toBe(
      "\x1b[2mcommitted: 6 inserts\x1b[22m",
    );
    expect(render(note("committed: 6 inserts"), { ...options, format: "json", terminal: false })).toBe("");
  });

  it("shows a failure with its way out", () => {
    const failed = failure({
      what: "Cannot flush User\x1b.\nIt is gone.",
      hint: "session.rollback()",
      name: "FlushError",
    });
    expect(render(failed, options)).toBe("error: Cannot flush User\\e.\n  It is gone.\nhint: session.rollback()");
    expect(render(failure({ what: "No." }), options)).toBe("error: No.");
  });

  it("shows a failure to programs as one line of JSON", () => {
    const failed = failure({ what: "no such\ntable", name: "DatabaseError", sql: "SELECT 1" });
    expect(render(failed, { ...options, format: "json", terminal: false })).toBe(
      '{"error":{"name":"DatabaseError","message":"no such\\ntable","sql":"SELECT 1"}}',
    );
  });

  it("shows a plan as a tree", () => {
    const nodes = [
      {
        label: "Hash Join",
        details: ["rows=5", "Hash Cond: (a = b)"],
        children: [
          { label: "Seq Scan on users", children: [{ label: "Filter\x1b" }] },
          { label: "Hash", details: ["rows=2", "Buckets: 1"] },
        ],
      },
    ];
    expect(render(plan(nodes, "1.2 ms"), options).split("\n")).toEqual([
      "Hash Join  rows=5",
      "│ Hash Cond: (a = b)",
      "├─ Seq Scan on users",
      "│  └─ Filter\\e",
      "└─ Hash  rows=2",
      "     Buckets: 1",
      "1.2 ms",
    ]);
    expect(JSON.parse(render(plan(nodes), { ...options, format: "json" }))).toEqual(nodes);
  });

  it("takes no object of a user's for one of ours", () => {
    const lookalike = { renderAs: "note", text: "x" };
    expect(render(lookalike, options)).toBe("{ renderAs: 'note', text: 'x' }");
  });

  it("shows what has a look of its own as a value on request", () => {
    expect(render(scalar(note("x")), options)).toContain("text: 'x'");
  });

  it("refuses rows that are still on their way and names what waits for them", () => {
    expect(() => render(resultSet({ columns, rows: arriving(1) }), options)).toThrow(/renderTo/);
  });
});

describe("renderTo", () => {
  it.each(formats)("writes what render gives, with the last line break (%s)", async (format) => {
    const rows = Array.from({ length: 4321 }, (_, index) => [index, index > 4000 ? "x".repeat(30) : null]);
    const set = resultSet({ columns, rows, title: "users" });
    const chunks: string[] = [];
    await renderTo((chunk) => void chunks.push(chunk), set, { ...options, format });
    expect(chunks.join("")).toBe(render(set, { ...options, format }) + "\n");
  });

  it.each(formats)("writes rows on their way as rows at hand (%s)", async (format) => {
    const atHand: Row[] = [];
    for await (const row of arriving(2500)) atHand.push(row);
    let text = "";
    await renderTo((chunk) => void (text += chunk), resultSet({ columns, rows: arriving(2500) }), {
      ...options,
      format,
    });
    expect(text).toBe(render(resultSet({ columns, rows: atHand }), { ...options, format }) + "\n");
  });

  it("writes a million rows in small chunks, the first long before the last", async () => {
    let made = 0;
    function* rows(): Generator<Row> {
      while (made < 1_000_000) yield [++made, "user"];
    }
    let madeAtFirst = 0;
    let longest = 0;
    let length = 0;
    const write = (chunk: string): void => {
      madeAtFirst ||= made;
      longest = Math.max(longest, chunk.length);
      length += chunk.length;
    };
    await renderTo(write, resultSet({ columns, rows: rows() }), options);
    expect(madeAtFirst).toBeLessThan(10_000);
    expect(longest).toBeLessThan(200_000);
    expect(length).toBeGreaterThan(20_000_000);
  });

  it("waits for each write before it reads on", async () => {
    let made = 0;
    function* rows(): Generator<Row> {
      while (made < 100_000) yield [++made, "user".repeat(10)];
    }
    let isWriting = false;
    const madeDuringWrites: number[] = [];
    const write = async (): Promise<void> => {
      expect(isWriting).toBe(false);
      isWriting = true;
      const before = made;
      await setTimeout(1);
      madeDuringWrites.push(made - before);
      isWriting = false;
    };
    await renderTo(write, resultSet({ columns, rows: rows() }), options);
    expect(new Set(madeDuringWrites)).toEqual(new Set([0]));
  });

  it("closes the rows when the reader has gone, and passes the error on", async () => {
    let isClosed = false;
    async function* rows(): AsyncGenerator<Row> {
      try {
        for (let id = 0; ; id++) yield [id, "x".repeat(100)];
      } finally {
        isClosed = true;
      }
    }
    const gone = new Error("EPIPE");
    const write = (): never => {
      throw gone;
    };
    await expect(renderTo(write, resultSet({ columns, rows: rows() }), options)).rejects.toBe(gone);
    expect(isClosed).toBe(true);
  });

  it("stops reading at the limit and closes the rows", async () => {
    let read = 0;
    let isClosed = false;
    async function* rows(): AsyncGenerator<Row> {
      try {
        for (;;) yield [++read, "x"];
      } finally {
        isClosed = true;
      }
    }
    let text = "";
    await renderTo((chunk) => void (text += chunk), resultSet({ columns, rows: rows() }), { ...options, limit: 3 });
    expect(text).toContain("first 3 rows; .more .all .last");
    expect([read, isClosed]).toEqual([4, true]);
  });

  it("writes what has no rows in one go", async () => {
    const chunks: string[] = [];
    await renderTo((chunk) => void chunks.push(chunk), 3, options);
    expect(chunks).toEqual(["3\n"]);
  });
});

describe("resultSetOf", () => {
  it("finds columns and kinds in plain objects", () => {
    const set = resultSetOf([
      { id: 1, username: "john", mixed: 1, when: new Date(0), toString: "own" },
      { id: null, mixed: "x", extra: { a: 1 } },
    ]);
    expect(set.columns).toEqual([
      { name: "id", kind: "number" },
      { name: "username", kind: "text" },
      { name: "mixed", kind: "unknown" },
      { name: "when", kind: "date" },
      { name: "toString", kind: "text" },
      { name: "extra", kind: "json" },
    ]);
    expect(set.rows).toEqual([
      [1, "john", 1, new Date(0), "own", null],
      [null, null, "x", null, null, { a: 1 }],
    ]);
  });
});
