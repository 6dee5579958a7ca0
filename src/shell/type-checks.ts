import type { ShellContext, TypesMode } from "./context";
import type { Completions, Documentation, InputEnd, LanguageService, TypeProblem } from "./language-service";

/** How long an input waits for what is wrong with its types, at the prompt. */
const LONGEST_CHECK_MS = 250;
/** How long a person waits for completions of a service that is still loading. */
const LONGEST_COMPLETION_MS = 4000;

/**
 * The types of the shell's inputs: when they are checked, and the service that does it, started when it is first needed.
 *
 * At the prompt inputs are checked as soon as the service is warm; without a terminal only when that was asked for.
 */
export class TypeChecks {
  mode: TypesMode;
  readonly #context: ShellContext;
  readonly #interactive: boolean;
  readonly #directory: string;
  #service: Promise<LanguageService | undefined> | undefined;
  #started: LanguageService | undefined;
  #committed: { readonly code: string; readonly end: InputEnd }[] = [];

  constructor(context: ShellContext, { interactive, directory }: { interactive: boolean; directory: string }) {
    this.#context = context;
    this.#interactive = interactive;
    this.#directory = directory;
    this.mode = interactive ? "warn" : "off";
  }

  /** Starts the service, so that it is warm when it is needed. */
  start(): Promise<LanguageService | undefined> {
    this.#service ??= this.#open();
    return this.#service;
  }

  /**
   * What is wrong with an input; nothing where it is not checked.
   *
   * A warning that comes late is told when it comes; where wrong inputs are refused, or nobody waits at a terminal, all are checked.
   *
   * @param tellLater  gets the warnings that come too late to be waited for
   */
  async check(
    code: string,
    tellLater: (problems: readonly TypeProblem[]) => void = () => undefined,
  ): Promise<readonly TypeProblem[]> {
    if (this.mode === "off") return [];
    if (this.mode === "strict" || !this.#interactive) return (await (await this.start())?.check(code)) ?? [];
    if (!this.#started?.ready) return [];
    const checking = this.#started.check(code).then((problems) => problems ?? []);
    const problems = await within(LONGEST_CHECK_MS, checking);
    if (problems === undefined) void checking.then(tellLater);
    return problems ?? [];
  }

  /** Takes an input that ran: later ones see its names. */
  commit(code: string, end: InputEnd): void {
    if (this.#started) this.#started.commit(code, end);
    else this.#committed.push({ code, end });
  }

  /** What can stand at the end of an unfinished text. */
  async complete(text: string): Promise<Completions | undefined> {
    return within(
      LONGEST_COMPLETION_MS,
      this.start().then((service) => service?.complete(text)),
    );
  }

  /** The type of an expression's value, or what is wrong with it. */
  async typeOf(expression: string): Promise<{ readonly type: string } | { readonly problem: TypeProblem } | undefined> {
    return (await this.start())?.typeOf(expression);
  }

  /** The declaration and documentation of what an expression ends with. */
  async documentationOf(expression: string): Promise<Documentation | undefined> {
    return (await this.start())?.documentationOf(expression);
  }

  /** Forgets all types, because the preloaded names stand for others. */
  async restart(): Promise<void> {
    const before = this.#service;
    this.#service = undefined;
    this.#started = undefined;
    this.#committed = [];
    await (await before)?.close();
    if (before && this.mode !== "off") void this.start();
  }

  async close(): Promise<void> {
    await (await this.#service)?.close();
  }

  async #open(): Promise<LanguageService | undefined> {
    const declarations = await this.#context.declarations();
    if (declarations === "") return undefined;
    const { LanguageService: ServiceClass } = await import("./language-service.js");
    this.#started = new ServiceClass(declarations, this.#directory);
    for (const { code, end } of this.#committed.splice(0)) this.#started.commit(code, end);
    return this.#started;
  }
}

/** A value, or undefined when it takes too long. */
async function within<T>(milliseconds: number, value: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
