import { parentPort, workerData } from "node:worker_threads";
import { spareLargeFunctions } from "../../start/kept-code";
import { saveCompiledCode } from "../code-cache";
import { type InputEnd, LanguageSession } from "./language-session";
import type { Folders } from "./virtual-files";

/** What the worker is started with. */
export interface WorkerStart {
  readonly declarations: string;
  readonly folders: Folders;
}

/** What the worker is asked; a request with an `id` is answered under it. */
export type Request =
  | { readonly ask: "commit"; readonly code: string; readonly end: InputEnd }
  | { readonly ask: "check" | "complete" | "type" | "documentation"; readonly id: number; readonly text: string };

/** What the worker says: that it is ready, or the answer to a request. */
export type Answer =
  | { readonly ready: true }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

function answer(session: LanguageSession, request: Request): unknown {
  switch (request.ask) {
    case "commit":
      return session.commit(request.code, request.end);
    case "check":
      return session.check(request.text);
    case "complete":
      return session.complete(request.text);
    case "type":
      return session.typeOf(request.text);
    case "documentation":
      return session.documentationOf(request.text);
  }
}

/** Answers requests of the main thread about types, one after the other. */
function serve(): void {
  spareLargeFunctions();
  const { declarations, folders } = workerData as WorkerStart;
  const say = (what: Answer): void => parentPort?.postMessage(what);
  const session = new LanguageSession(declarations, folders);
  session.warmUp();
  parentPort?.on("message", (request: Request) => {
    const id = request.ask === "commit" ? undefined : request.id;
    try {
      const value = answer(session, request);
      if (id !== undefined) say({ id, value });
    } catch (error) {
      if (id !== undefined) say({ id, error: String(error) });
    }
  });
  say({ ready: true });
  setTimeout(saveCompiledCode, 1000).unref();
}

serve();
