import type {
  CapturedStatement,
  OutputSettings,
  PendingWork,
  Presentation,
  ShellContext,
} from "../../src/shell/context";

/** A row of the fake database. */
export interface FakeUser {
  id: number;
  username: string;
  role: { name: string } | undefined;
}

const NAMES = ["ann", "bob", "cid", "dee"];

/** Resolves with a value after some time. */
export function sleep<T>(ms: number, value?: T): Promise<T | undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, value);
  });
}

/** A query of the fake database: its terminals give promises, its builders do not, and it is not thenable. */
export class FakeQuery {
  readonly #rows: readonly FakeUser[];
  readonly #record: (sql: string) => void;

  constructor(rows: readonly FakeUser[], record: (sql: string) => void = () => undefined) {
    this.#rows = rows;
    this.#record = record;
  }

  limit(count: number): FakeQuery {
    return new FakeQuery(this.#rows.slice(0, count), this.#record);
  }

  async all(): Promise<FakeUser[]> {
    this.#record("SELECT * FROM users");
    await sleep(1);
    return [...this.#rows];
  }

  async first(): Promise<FakeUser | null> {
    this.#record("SELECT * FROM users LIMIT 1");
    await sleep(1);
    return this.#rows[0] ?? null;
  }

  async count(): Promise<number> {
    this.#record("SELECT count(*) FROM users");
    await sleep(1);
    return this.#rows.length;
  }

  filterBy(values: Partial<FakeUser>): FakeQuery {
    const matches = (user: FakeUser): boolean =>
      Object.entries(values).every(([key, value]) => user[key as keyof FakeUser] === value);
    return new FakeQuery(this.#rows.filter(matches), this.#record);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FakeUser> {
    for (const row of this.#rows) yield await Promise.resolve(row);
  }
}

/** A context without a database: models that answer with promises, and everything the shell asks of it noted. */
export class FakeContext implements ShellContext {
  readonly name = "fake";
  readonly banner: readonly string[];
  readonly settings: OutputSettings = { format: "table", limit: 100, timer: false, echo: false, pager: false };
  readonly events: string[] = [];
  readonly globals: Record<string, unknown>;
  readonly users: readonly FakeUser[];
  pending: PendingWork = { new: 0, changed: 0, deleted: 0 };
  #capturing: CapturedStatement[] | undefined;
  readonly #declarations: string;

  /** @param given  with `types`, the context declares its names for the type checker */
  constructor({ banner = ["fake shell"], types = false } = {}) {
    this.banner = banner;
    this.#declarations = types ? DECLARATIONS : "";
    this.users = NAMES.map((username, index) => new UserRow(index + 1, username));
    const record = (sql: string): void => {
      this.#capturing?.push({ sql, template: sql, parameters: [] });
    };
    const session = {
      add: () => {
        this.pending = { ...this.pending, new: this.pending.new + 1 };
      },
    };
    this.globals = {
      User: {
        get query() {
          return query();
        },
      },
      session,
      db: { session },
      sleep,
    };
    const query = (): FakeQuery => new FakeQuery(this.users, record);
  }

  present(value: unknown, presentation: Presentation): Promise<string | undefined> {
    this.events.push(presentation.interactive ? "present" : "present for a program");
    if (this.settings.format === "json") return Promise.resolve(JSON.stringify(value));
    return Promise.resolve(typeof value === "string" ? value : JSON.stringify(value));
  }

  loadOnRead(object: object, key: string): Promise<unknown> | undefined {
    if (!(object instanceof UserRow) || key !== "role" || object.role) return undefined;
    return sleep(1).then(() => {
      this.events.push(`load role of ${object.username}`);
      object.role = { name: `role of ${object.username}` };
    });
  }

  cancel(): Promise<void> {
    this.events.push("cancel");
    return Promise.resolve();
  }

  pendingWork(): PendingWork {
    return this.pending;
  }

  commit(): Promise<void> {
    return this.#end("commit");
  }

  rollback(): Promise<void> {
    return this.#end("rollback");
  }

  close(): Promise<void> {
    this.events.push("close");
    return Promise.resolve();
  }

  async captureSql(evaluate: () => Promise<unknown>): Promise<readonly CapturedStatement[]> {
    const captured: CapturedStatement[] = [];
    this.#capturing = captured;
    try {
      const value = await evaluate();
      if (value instanceof FakeQuery)
        captured.push({ sql: "SELECT * FROM users", template: "SELECT * FROM users", parameters: [] });
    } finally {
      this.#capturing = undefined;
    }
    return captured;
  }

  models(): Promise<{ name: string; table: string; rows: number }[]> {
    return Promise.resolve([{ name: "User", table: "users", rows: this.users.length }]);
  }

  declarations(): Promise<string> {
    return Promise.resolve(this.#declarations);
  }

  #end(event: string): Promise<void> {
    this.events.push(event);
    this.pending = { new: 0, changed: 0, deleted: 0 };
    return Promise.resolve();
  }
}

/** The names of the context as the type checker is to see them. */
const DECLARATIONS = `
interface FakeUser { id: number; username: string; role: { name: string }; greet(): string }
interface FakeQuery {
  /** At most so many users. */
  limit(count: number): FakeQuery;
  all(): Promise<FakeUser[]>;
  first(): Promise<FakeUser | null>;
  count(): Promise<number>;
  filterBy(values: Partial<FakeUser>): FakeQuery;
}
declare global {
  let User: { readonly query: FakeQuery };
  let sleep: <T>(ms: number, value?: T) => Promise<T | undefined>;
  let _: any;
  let _error: any;
}
export {};`;

class UserRow implements FakeUser {
  id: number;
  username: string;
  role: { name: string } | undefined = undefined;

  constructor(id: number, username: string) {
    this.id = id;
    this.username = username;
  }

  greet(): string {
    return `hi ${this.username}`;
  }
}
