import { EventEmitter } from "node:events";
import { StringDecoder } from "node:string_decoder";

/** A piece of what was typed. */
export type Typed =
  | { readonly kind: "key"; readonly text: string }
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

/** One key: an escape sequence, a letter with Alt, or a character. */
// eslint-disable-next-line no-control-regex -- keys are control characters
const KEY = /\x1b(?:\[[\d;<=>?]*[ -/]*[@-~]|O[ -~]|[^\x1b])|\r\n|[\s\S]/gu;

/** The keys in a text. The line editor gets them one by one: more at a time it takes for a paste, and mixes up their order. */
export function keysIn(text: string): string[] {
  return text.match(KEY) ?? [];
}

/** Cuts the bytes of a terminal into pieces: pastes, the keys that the shell itself answers to, and keys for the line editor. */
export class TypedPieces {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #paste: string | undefined;

  /** The pieces in further bytes, in order, each key by itself, so that what follows can wait. */
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
    const [key = ""] = keysIn(this.#rest.slice(0, 64));
    this.#rest = this.#rest.slice(key.length);
    return { kind: "key", text: key };
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

  /** Gives one key to the line editor. */
  press(key: string): void {
    this.emit("data", Buffer.from(key));
  }

  resume(): this {
    return this;
  }

  pause(): this {
    return this;
  }
}
