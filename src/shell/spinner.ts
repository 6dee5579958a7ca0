import type { Screen } from "./screen";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SILENT_MS = 2000;
const FRAME_MS = 120;

/** A turning sign with the time, shown when something takes longer than two seconds, and gone when anything is written. */
export class Spinner {
  readonly #screen: Screen;
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  #frame = 0;
  #drawn = false;
  #progress = "";

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Tells how far the work is. */
  tell(progress: string): void {
    this.#progress = `${progress} · `;
  }

  start(): void {
    this.#startMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => {
        this.#draw();
      }, FRAME_MS).unref();
    }, SILENT_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#erase();
    this.#screen.beforeNextWrite(undefined);
  }

  #draw(): void {
    if (!this.#screen.atLineStart) return;
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1);
    const sign = FRAMES[(this.#frame += 1) % FRAMES.length] ?? "";
    this.#screen.draw(`\r\x1b[K${sign} ${seconds} s · ${this.#progress}Ctrl-C cancels`);
    this.#drawn = true;
    this.#screen.beforeNextWrite(() => {
      this.#erase();
    });
  }

  #erase(): void {
    if (this.#drawn) this.#screen.draw("\r\x1b[K");
    this.#drawn = false;
  }
}
