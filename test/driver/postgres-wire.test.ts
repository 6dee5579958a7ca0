import { EventEmitter } from "node:events";
import type { Sequelize } from "sequelize";
import { QueryTypes } from "sequelize";
import { afterAll, describe, expect, it, vi } from "vitest";
import { Connection } from "../../src/driver/connection";
import { dialectOf } from "../../src/driver/dialects";
import { CellForm, PostgresWire, RowCells } from "../../src/driver/postgres-wire";
import { RowObjects } from "../../src/driver/row-sink";
import { describeEachDatabase } from "../databases";
import { Random } from "../query/random-data";

type Cell = string | null;

function message(code: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(code);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function dataRow(cells: readonly Cell[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(cells.length);
  const parts = cells.map((cell) => {
    const bytes = Buffer.from(cell ?? "");
    const length = Buffer.alloc(4);
    length.writeInt32BE(cell === null ? -1 : bytes.length);
    return Buffer.concat([length, bytes]);
  });
  return message("D", Buffer.concat([count, ...parts]));
}

/** A client whose socket says what it is told to, and what its parser is given. */
function fakeClient(): { client: object; socket: EventEmitter; parsed: Buffer[]; rows: EventEmitter } {
  const socket = new EventEmitter();
  const parsed: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => parsed.push(Buffer.from(bytes)));
  const connection = Object.assign(new EventEmitter(), { stream: socket });
  connection.on("dataRow", () => undefined);
  return { client: { connection }, socket, parsed, rows: connection };
}

describe("rows taken off the wire of PostgreSQL", () => {
  it("each row is taken once, and all else goes on whole and in order, however the bytes are cut", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const { client, socket, parsed } = fakeClient();
      const wire = PostgresWire.of(client);
      const events: string[] = [];
      const expected: string[] = [];
      const messages: Buffer[] = [];
      for (let i = random.int(0, 30); i > 0; i--) {
        if (random.int(0, 3) === 0) {
          const other = message(random.pick(["T", "C", "N", "S", "Z"]), Buffer.from("x".repeat(random.int(0, 20))));
          messages.push(other);
          expected.push(`forward ${other.toString("hex")}`);
        } else {
          const cells = Array.from({ length: random.int(0, 4) }, () =>
            random.pick<Cell>([null, "", "a", "é🦊", "y".repeat(30)]),
          );
          messages.push(dataRow(cells));
          expected.push(`row ${JSON.stringify(cells)}`);
        }
      }
      const known = (): void => {
        for (const bytes of parsed.splice(0)) {
          for (let at = 0; at < bytes.length;) {
            const end = at + 1 + bytes.readUInt32BE(at + 1);
            events.push(`forward ${bytes.subarray(at, end).toString("hex")}`);
            at = end;
          }
        }
      };
      wire?.lend({
        take(bytes, start) {
          known();
          const count = bytes.readInt16BE(start);
          const cells = new RowCells(new Array<CellForm>(count).fill(CellForm.Text));
          events.push(`row ${JSON.stringify(cells.read(bytes, start))}`);
        },
      });
      const all = Buffer.concat(messages);
      for (let at = 0; at < all.length;) {
        const end = Math.min(all.length, at + random.pick([1, 2, 7, 40, 1000]));
        socket.emit("data", all.subarray(at, end));
        at = end;
      }
      known();
      expect(events, `seed ${seed}`).toEqual(expected);
    }
  });

  it("a message that comes in many pieces is put together once", () => {
    const { client, socket, parsed } = fakeClient();
    const taken: number[] = [];
    PostgresWire.of(client)?.lend({ take: (_, start, end) => taken.push(end - start) });
    const row = dataRow(["z".repeat(5_000_000)]);
    const concat = vi.spyOn(Buffer, "concat");
    for (let at = 0; at < row.length; at += 1000) socket.emit("data", row.subarray(at, at + 1000));
    expect(taken).toEqual([row.length - 5]);
    expect(parsed).toEqual([]);
    // Put together anew for each piece it would be 12 gigabytes to copy.
    expect(concat.mock.calls.length).toBeLessThanOrEqual(2);
    concat.mockRestore();
  });

  it("rows go to pg where nobody has taken them, or where others listen to them", () => {
    const { client, socket, parsed, rows } = fakeClient();
    const wire = PostgresWire.of(client);
    expect(PostgresWire.of(client)).toBe(wire);
    const row = dataRow(["a"]);
    socket.emit("data", row);
    wire?.lend({ take: () => undefined });
    socket.emit("data", row);
    wire?.giveBack();
    socket.emit("data", row);
    expect(parsed).toEqual([row, row]);
    rows.on("dataRow", () => undefined);
    expect(PostgresWire.of(client)).toBeUndefined();
    const other = fakeClient();
    other.socket.on("data", () => undefined);
    expect(PostgresWire.of(other.client)).toBeUndefined();
    expect(PostgresWire.of({ ...fakeClient().client, pipeline: true })).toBeUndefined();
    expect(PostgresWire.of({})).toBeUndefined();
  });

  it("rows go to pg where their taker gives them back when it is told of the columns", () => {
    const { client, socket, parsed } = fakeClient();
    const wire = PostgresWire.of(client);
    const taken: number[] = [];
    wire?.lend({ take: (_, start) => taken.push(start) });
    const [columns, rows] = [message("T", Buffer.from("x")), [dataRow(["a"]), dataRow(["b"])]];
    const { push } = parsed;
    parsed.push = (...bytes) => {
      if (bytes[0]?.[0] === 0x54) wire?.giveBack();
      return push.apply(parsed, bytes);
    };
    socket.emit("data", Buffer.concat([columns, ...rows]));
    expect(taken).toEqual([]);
    expect(Buffer.concat(parsed)).toEqual(Buffer.concat([columns, ...rows]));
  });

  it("whole numbers are read without a text between", () => {
    const cells = new RowCells([CellForm.Integer, CellForm.Integer, CellForm.Text]);
    for (const row of [
      ["0", "-1", "-1"],
      ["2147483647", "-2147483648", ""],
      ["4294967295", null, null],
    ]) {
      const bytes = dataRow(row);
      expect(cells.read(bytes, 5)).toEqual([Number(row[0]), row[1] === null ? null : Number(row[1]), row[2]]);
    }
  });
});

describeEachDatabase("rows read into a sink", (database) => {
  const connections: Connection[] = [];
  const open = (sequelize: Sequelize): Connection => {
    const connection = new Connection(sequelize, dialectOf(sequelize), () => undefined);
    connections.push(connection);
    return connection;
  };
  afterAll(async () => {
    for (const connection of connections) await connection.close();
  });

  it("are those that the driver makes, for texts of every length and alphabet, and numbers of every size", async () => {
    const connection = open(database.sequelize);
    const quote = (name: string): string => connection.dialect.quote(name);
    const literal = (value: unknown): string => connection.dialect.literal(value);
    const texts = [
      "",
      "a",
      "é",
      "🦊",
      "a\u0301",
      "123456789012",
      "1234567890123",
      "x".repeat(3000),
      "ü".repeat(13),
      "a\nb\t'",
    ];
    const numbers = [0, 1, -1, 2_147_483_647, -2_147_483_648, 9_007_199_254_740_991];
    const rows = texts.flatMap((text, t) =>
      numbers.map((number, n) => ({
        text: (t + n) % 7 === 0 ? null : text,
        number,
        real: number / 3,
        flag: n % 2 === 0,
      })),
    );
    const sql = rows
      .map(
        ({ text, number, real, flag }) =>
          `SELECT ${literal(text)} AS ${quote("text")}, ${literal(number)} AS ${quote("number")}, ` +
          `${literal(real)} AS ${quote("real")}, ${literal(flag)} AS ${quote("flag")}`,
      )
      .join(" UNION ALL ");
    const sink = new RowObjects();
    expect(await connection.read(sql, [], sink)).toBe(rows.length);
    expect(sink.rows).toEqual(await connection.all(sql));
    expect(sink.rows.map(({ text }) => text)).toEqual(rows.map(({ text }) => text));
    // Sequelize's own statements read their rows as before.
    const [row] = await database.sequelize.query<{ one: number }>("SELECT 1 AS one", { type: QueryTypes.SELECT });
    expect(Number(row?.one)).toBe(1);
  });

  it("what the sink throws ends the statement with it, and the connection goes on", async () => {
    const connection = open(database.sequelize);
    class Broken extends RowObjects {
      override row(): void {
        throw new RangeError("enough");
      }
      override objects(): void {
        this.row();
      }
    }
    await expect(connection.read("SELECT 1 AS one UNION ALL SELECT 2", [], new Broken())).rejects.toThrow("enough");
    await expect(connection.read("SELECT nothing FROM nowhere", [], new RowObjects())).rejects.toThrow();
    const sink = new RowObjects();
    await connection.read("SELECT 1 AS one UNION ALL SELECT 2", [], sink);
    expect(sink.rows.map(({ one }) => Number(one))).toEqual([1, 2]);
  });
});
