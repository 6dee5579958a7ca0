import { AsyncLocalStorage } from "node:async_hooks";

/** Where the running code stands: inside an operation of a session, or inside a block that owns the session for a while. */
interface Scope {
  readonly queue: OperationQueue;
  readonly parent: Scope | undefined;
  readonly kind: "operation" | "block";
  readonly turns: Turns;
  active: boolean;
}

const current = new AsyncLocalStorage<Scope>();
/** How many scopes are open, of all sessions. */
let openScopes = 0;

/**
 * Lets promises be made without looking where they belong, until the next operation begins; nothing happens while one runs.
 *
 * Up to Node 22 each promise costs twice as much once an `AsyncLocalStorage` is in use, which shows where a loop awaits a
 * million of them.
 */
export function forgetPlace(): void {
  if (openScopes === 0) current.disable();
}

/** Runs one piece of work after the other; the first starts at once, in the same tick. */
class Turns {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#busy) return this.#start(work);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => void this.#start(work).then(resolve, reject));
    });
  }

  get busy(): boolean {
    return this.#busy;
  }

  #start<T>(work: () => Promise<T>): Promise<T> {
    this.#busy = true;
    return work().finally(() => {
      this.#busy = false;
      this.#waiting.shift()?.();
    });
  }
}

/**
 * The queue of a session: its operations run one after the other in the order of their calls.
 *
 * An operation that is called from inside another one of the same session (a hook that queries) runs at once, because waiting
 * for the outer one would never end. A block (`transaction(fn)`) owns the session while it runs: the operations inside it
 * queue among themselves, those outside wait for its end.
 */
export class OperationQueue {
  readonly #turns = new Turns();

  /** Runs an operation when its turn has come. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const scope = this.#scope();
    if (scope?.kind === "operation") return work();
    return (scope?.turns ?? this.#turns).run(() => this.#enter("operation", scope, work));
  }

  /** Runs a block of operations as one. */
  block<T>(work: () => Promise<T>): Promise<T> {
    const scope = this.#scope();
    if (scope?.kind === "operation") return work();
    return (scope?.turns ?? this.#turns).run(() => this.#enter("block", scope, work));
  }

  /** Whether the calling code runs inside an operation of this session. */
  get isInside(): boolean {
    return this.#scope()?.kind === "operation";
  }

  /** Whether an operation is running or waiting. */
  get busy(): boolean {
    return this.#turns.busy;
  }

  /** Resolves when everything that was called before has ended. */
  async drain(): Promise<void> {
    await this.#turns.run(() => Promise.resolve());
  }

  async #enter<T>(kind: Scope["kind"], parent: Scope | undefined, work: () => Promise<T>): Promise<T> {
    const scope: Scope = { queue: this, parent, kind, turns: new Turns(), active: true };
    openScopes++;
    try {
      return await current.run(scope, work);
    } finally {
      scope.active = false;
      openScopes--;
    }
  }

  /** The innermost scope of this session that still runs: a promise that outlives its operation does not stay inside it. */
  #scope(): Scope | undefined {
    let scope = current.getStore();
    while (scope !== undefined && (scope.queue !== this || !scope.active)) scope = scope.parent;
    return scope;
  }
}
