import type { TableChange } from "../operation";
import { needsOrder } from "./change-order";
import type { DdlTarget } from "./dialect";

/**
 * The clauses of one ALTER TABLE that is still to be sent, and what comes right behind it.
 *
 * The database carries clauses out in an order of its own: it drops first, then retypes, adds columns, sets what columns
 * are, adds keys, then other constraints. A change that needs another order begins a new statement: {@link makeRoom}.
 */
export class AlterStatement {
  readonly #target: DdlTarget;
  readonly #table: string;
  #changes: TableChange[] = [];
  #clauses: string[] = [];
  #behind: string[] = [];

  /** @param table  the quoted name */
  constructor(target: DdlTarget, table: string) {
    this.#target = target;
    this.#table = table;
  }

  /** Adds a clause. */
  add(clause: string): void {
    this.#clauses.push(clause);
  }

  /** Adds a statement that can wait until all clauses are sent: an index, a comment. */
  addBehind(sql: string): void {
    this.#behind.push(sql);
  }

  /** Sends a statement that cannot be a clause, behind those that came before it. */
  async execute(sql: string): Promise<void> {
    await this.send();
    await this.#target.execute(sql);
  }

  /** Before the clauses of a change: sends what came before where it must be there first. */
  async makeRoom(change: TableChange): Promise<void> {
    if (this.#changes.some((earlier) => needsOrder(earlier, change))) await this.send();
  }

  /** Behind the clauses of a change: notes it. */
  note(change: TableChange): void {
    this.#changes.push(change);
  }

  /** Sends everything that was added. */
  async send(): Promise<void> {
    const [clauses, behind] = [this.#clauses, this.#behind];
    [this.#changes, this.#clauses, this.#behind] = [[], [], []];
    if (clauses.length > 0) await this.#target.execute(`ALTER TABLE ${this.#table} ${clauses.join(", ")}`);
    for (const sql of behind) await this.#target.execute(sql);
  }
}
