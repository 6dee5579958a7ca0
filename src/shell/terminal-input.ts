import { EventEmitter } from "node:events";
import { StringDecoder } from "node:string_decoder";

/** A piece of what was typed. */
export type Typed =
  | { readonly kind: "keys"; readonly text: string }
  | { readonly kind: "interrupt" }
  | { readonly kind: "end" }
  | { readonly kind: "search" }
  /** Text that was pasted, its lines separated by `\n`. */
  | { readonly kind: "paste"; readonly text: string };

const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";
const SPECIAL: Readonly<Record<string, Typed>> = {
  "\x03": { kind: "interrupt" },
  "\x04": { kind: "end" },
  "\x12": { kind: "search" },
};

/** Cuts the bytes of a terminal into pieces: pastes, the keys that the shell itself answers to, and keys for the line editor. */
export class TypedPieces {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #paste: string | undefined;

  /** The pieces in further bytes, in order. Keys end with each Enter, so that what follows can wait. */
  add(bytes: Buffer): Typed[] {
    this.#rest += this.#decoder.write(bytes);
    const pieces: Typed[] = [];
    while (this.#rest !== "") {
      const piece = this.#paste === undefined ? this.#nextKeys() : this.#nextPaste();
      if (piece === "wait") break;
      if (piece) pieces.push(piece);
    }
    return pieces;
  }

  #nextPaste(): Typed | "wait" {
    const end = this.#rest.indexOf(PASTE_END);
    if (end < 0) {
      // The end marker may be cut in two by the terminal's buffer: keep what could be its beginning.
      const keep = Math.min(this.#rest.length, PASTE_END.length - 1);
      this.#paste = (this.#paste ?? "") + this.#rest.slice(0, -keep);
      this.#rest = this.#rest.slice(-keep);
      return "wait";
    }
    const text = (this.#paste ?? "") + this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + PASTE_END.length);
    this.#paste = undefined;
    return { kind: "paste", text: text.replaceAll(/\r\n?/g, "\n") };
  }

  #nextKeys(): Typed | "wait" | undefined {
    if (this.#rest.startsWith(PASTE_START)) {
      this.#rest = this.#rest.slice(PASTE_START.length);
      this.#paste = "";
      return undefined;
    }
    if (this.#rest.length > 1 && PASTE_START.startsWith(this.#rest)) return "wait";
    const special = SPECIAL[this.#rest.charAt(0)];
    if (special) {
      this.#rest = this.#rest.slice(1);
      return special;
    }
    let end = 1;
    while (end < this.#rest.length && !this.#breaksAt(end)) end += 1;
    const text = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return { kind: "keys", text };
  }

  #breaksAt(index: number): boolean {
    const before = this.#rest.charAt(index - 1);
    if (before === "\n" || (before === "\r" && this.#rest.charAt(index) !== "\n")) return true;
    return this.#rest.charAt(index) in SPECIAL || this.#rest.startsWith(PASTE_START, index);
  }
}

/** The keyboard as the line editor sees it: it gets only the keys that are meant for it. */
export class EditorKeyboard extends EventEmitter {
  readonly isTTY = true;
  /** Of the real terminal: the line editor uses it around Ctrl-Z and at its end. */
  readonly setRawMode: (raw: boolean) => unknown;

  constructor(setRawMode: (raw: boolean) => unknown) {
    super();
    this.setRawMode = setRawMode;
  }

  /** Gives keys to the line editor. */
  type(text: string): void {
    this.emit("data", Buffer.from(text));
  }

  resume(): this {
    return this;
  }

  pause(): this {
    return this;
  }
}
