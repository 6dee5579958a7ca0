import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import { afterEach, describe, expect, it } from "vitest";
import type { RawConnection } from "../../src/driver/face";
import { readRows } from "../../src/driver/postgres-rows";
import { RowObjects } from "../../src/driver/row-sink";

const url = process.env["TEST_POSTGRES_URL"];
const certificate = url === undefined ? undefined : makeCertificate();

/** Undefined where there is no openssl. */
function makeCertificate(): { key: Buffer; cert: Buffer } | undefined {
  const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-test-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = [
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=localhost",
  ];
  try {
    execFileSync("openssl", ["req", ...kind, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Is given what comes from the server, message by message. */
type Pass = (message: Buffer, client: Socket) => void;

describe.skipIf(url === undefined)("rows of PostgreSQL", () => {
  const clients: Client[] = [];
  const servers: Server[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
    for (const server of servers.splice(0)) server.close();
  });

  const open = async (config: ClientConfig & { binary?: boolean } = {}): Promise<Client> => {
    const client = new Client({ connectionString: url, ...config });
    client.on("error", () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  };

  /** A server between a client and PostgreSQL. @returns where it is */
  const between = async (pass: Pass, tls?: { key: Buffer; cert: Buffer }): Promise<ClientConfig> => {
    const { hostname, port, username, password, pathname } = new URL(url ?? "");
    const server = createServer((plain) => {
      const serve = (client: Socket): void => {
        const upstream = createConnection(Number(port || 5432), hostname);
        let [parts, size, needed]: [Buffer[], number, number] = [[], 0, 5];
        client.on("data", (bytes) => upstream.write(bytes));
        client.on("error", () => upstream.destroy());
        client.on("close", () => upstream.destroy());
        upstream.on("close", () => client.destroy());
        upstream.on("data", (bytes: Buffer) => {
          parts.push(bytes);
          if ((size += bytes.length) < needed) return;
          let rest = Buffer.concat(parts);
          while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
            const end = rest.readUInt32BE(1) + 1;
            pass(rest.subarray(0, end), client);
            rest = rest.subarray(end);
          }
          [parts, size, needed] = [[rest], rest.length, rest.length < 5 ? 5 : rest.readUInt32BE(1) + 1];
        });
      };
      if (tls === undefined) serve(plain);
      else
        plain.once("data", () => {
          plain.write("S");
          serve(new TLSSocket(plain, { isServer: true, ...tls }));
        });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port: own } = server.address() as { port: number };
    return {
      connectionString: undefined,
      host: "127.0.0.1",
      port: own,
      user: username,
      password: password,
      database: pathname.slice(1),
      ...(tls === undefined ? {} : { ssl: { rejectUnauthorized: false } }),
    };
  };

  const read = async (client: Client, sql: string, values: unknown[] = []): Promise<object[]> => {
    const sink = new RowObjects();
    await readRows(client as unknown as RawConnection, sql, values, sink);
    return sink.rows;
  };

  const SELECT = `SELECT n, n::int8 AS big, 'é🦊' || n AS text, repeat('x', n * 50) AS long, now() - now() AS span
    FROM generate_series(1, 300) AS n`;

  it("are those of pg, also beside notices, notifications and settings that come between them", async () => {
    const direct = await open();
    const expected = (await direct.query<object>(SELECT)).rows;
    expect(await read(direct, SELECT)).toEqual(expected);
    const config = await between((bytes, client) => {
      client.write(bytes);
      if (bytes[0] !== 0x44) return;
      client.write(message("N", "SNOTICE\0C00000\0Mnote\0\0"));
      client.write(message("A", "\0\0\0\x01channel\0payload\0"));
      client.write(message("S", "application_name\0x\0"));
    });
    const client = await open(config);
    let [notices, notifications] = [0, 0];
    client.on("notice", () => notices++);
    client.on("notification", () => notifications++);
    expect(await read(client, SELECT)).toEqual(expected);
    expect([notices, notifications]).toEqual([300, 300]);
    expect((await client.query<object>(SELECT)).rows).toEqual(expected);
    expect(await read(client, `${SELECT} WHERE n > $1`, [298])).toEqual(expected.slice(298));
  });

  it.skipIf(certificate === undefined)("come through TLS, paused or not, and long ones too", async () => {
    const direct = await open();
    const client = await open(await between((bytes, socket) => socket.write(bytes), certificate));
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    expect(stream).toBeInstanceOf(TLSSocket);
    const { rows } = await direct.query<object>(SELECT);
    expect(await read(client, SELECT)).toEqual(rows);
    const reading = read(client, "SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 20000) AS n");
    stream.pause();
    setTimeout(() => stream.resume(), 50);
    expect(await reading).toHaveLength(20_000);
    const [long] = (await read(client, "SELECT repeat('x', 5000000) AS text")) as { text: string }[];
    expect(long?.text).toHaveLength(5_000_000);
    expect(await read(client, SELECT)).toEqual(rows);
  });

  it("end with the error that comes in the middle of them, and the client goes on", async () => {
    const client = await open();
    await expect(read(client, "SELECT 1 / (5 - n) FROM generate_series(1, 10) AS n")).rejects.toThrow(
      "division by zero",
    );
    await expect(read(client, "COPY (SELECT 1) FROM STDIN")).rejects.toThrow();
    await client.query("CREATE TEMPORARY TABLE copied (n int)");
    await expect(read(client, "COPY copied FROM STDIN")).rejects.toThrow();
    expect(await read(client, "COPY (SELECT 1) TO STDOUT")).toEqual([]);
    const slow = read(client, "SELECT n, pg_sleep(0.001)::text FROM generate_series(1, 5000) AS n").catch(
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    const other = await open();
    await other.query("SELECT pg_cancel_backend($1)", [(client as unknown as { processID: number }).processID]);
    expect(await slow).toMatchObject({ code: "57014" });
    expect(await read(client, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("end with an error where the connection is lost in the middle of one", async () => {
    let rows = 0;
    const config = await between((bytes, client) => {
      if (bytes[0] === 0x44 && ++rows === 100) {
        client.end(bytes.subarray(0, bytes.length - 3));
      } else if (rows < 100) client.write(bytes);
    });
    const client = await open(config);
    await expect(read(client, SELECT)).rejects.toThrow("Connection terminated unexpectedly");
  });

  it("are read by the client's own parsers of types", async () => {
    const client = await open();
    const sql = "SELECT 5 AS int, 6::int8 AS big, 7::int2 AS small, 'a' AS text, null::int AS nothing";
    client.setTypeParser(23, (text: string) => `int ${text}`);
    client.setTypeParser(21, (text: string) => BigInt(text));
    client.setTypeParser(20, Number);
    expect(await read(client, sql)).toEqual([{ int: "int 5", big: 6, small: 7n, text: "a", nothing: null }]);
    expect(await read(client, sql)).toEqual((await client.query<object>(sql)).rows);
  });

  it("in pg's binary form are left to pg", async () => {
    const client = await open({ binary: true });
    const sql = "SELECT 5 AS int, 'é' AS text, true AS flag, null::int AS nothing, $1::int AS given";
    expect(await read(client, sql, [7])).toEqual((await client.query<object>(sql, [7])).rows);
    expect(await read(client, sql.replace("$1", "7"))).toEqual((await client.query<object>(sql, [7])).rows);
  });

  it("that come after the client has given the query up are passed over", async () => {
    const client = await open({ query_timeout: 100 });
    const sink = new RowObjects();
    const late = readRows(
      client as unknown as RawConnection,
      "SELECT n, pg_sleep(0.01)::text FROM generate_series(1, 60) AS n",
      [],
      sink,
    );
    await expect(late).rejects.toThrow("timeout");
    const count = sink.rows.length;
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(sink.rows.length).toBe(count);
    expect(await read(client, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("go to those who listen to the messages of the connection", async () => {
    const client = await open();
    expect(await read(client, SELECT)).toHaveLength(300);
    let heard = 0;
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on("message", ({ name }: { name: string }) => {
      if (name === "dataRow") heard++;
    });
    expect(await read(client, SELECT)).toHaveLength(300);
    expect(heard).toBe(300);
  });

  it("of many queries at once on one client come to each its own", async () => {
    const client = await open();
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0
          ? read(client, `SELECT ${i} AS i FROM generate_series(0, ${i})`)
          : client.query<object>(`SELECT ${i} AS i FROM generate_series(0, ${i})`).then(({ rows }) => rows),
      ),
    );
    all.forEach((rows, i) => expect(rows).toEqual(new Array(i + 1).fill({ i })));
  });
});

function message(code: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(code);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body, "latin1")]);
}
