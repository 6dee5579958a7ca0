import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, sep } from "node:path";
import { isOwnFile } from "./kept-code";

/** What a file was when it was read: when it was last changed in any way, in milliseconds, and its length in bytes. */
export interface FileStamp {
  readonly changedMs: number;
  readonly size: number;
}

/** A module as it is kept: its text, what V8 compiled of it, and the files that its requests stand for. */
export interface KeptModule {
  readonly stamp: FileStamp;
  /** The text that was compiled, the wrapper of CommonJS included. */
  readonly source: string;
  readonly code: Buffer;
  /** For each request the absolute path of the file. */
  readonly requests: Requests;
}

type Requests = Readonly<Record<string, string>>;

/** A folder or a manifest of a package with its time of change: as long as they hold, requests stand for the same files. */
type Place = readonly [path: string, changedMs: number];

/** A module in the index of an image; numbers are bytes, and its parts stand in this order, each padded. */
type Entry = readonly [
  changedMs: number,
  fileSize: number,
  /** Where its parts begin in the body. */
  start: number,
  source: number,
  /** Whether the text has a byte for each character: 1 or 0. */
  narrow: number,
  code: number,
  requests: number,
  /** Of its parts together, and of the numbers before this one. */
  checksum: number,
];

/** The first line of the index. */
interface Heading {
  /** What the code depends on besides the files: see {@link ModuleImage.read}. */
  readonly key: string;
  /** Bytes of the body. */
  readonly size: number;
}

/** The beginning of a file, with the version of its format. */
const MAGIC = "SEQIMG02";
/** What stands before the index: the magic, and the length of the index. */
const PREFIX = MAGIC.length + 8;
/** Images of other versions of Node or of other installations that stay beside a new one. */
const MOST_OTHER_IMAGES = 5;

/** The stamp of a file; undefined where there is none. */
export function stampOf(file: string): FileStamp | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && { changedMs: found.ctimeMs, size: found.size };
}

/**
 * Modules with the code that V8 compiled of them at earlier starts, in one file.
 *
 * Reading one file replaces hundreds of searches, reads and compilations. A module is given out only as long as its own file has not
 * changed, and none of a package once a package was installed or removed. What is damaged is not given out: V8 would run it. A file of
 * another format or one that others can write reads as empty.
 *
 * Its index stays a text in which a module is looked up: a start asks for few of the modules that are kept.
 */
export class ModuleImage {
  readonly #file: string;
  readonly #key: string;
  /** The folder of the program's own modules, which need no look at the packages. */
  readonly #own: string;
  readonly #body: Body | undefined;
  /** The heading, the places, and a line for each module. */
  readonly #index: string;
  #packagesHold: boolean | undefined;

  private constructor(file: string, key: string, own: string, body?: Body, index = "") {
    this.#file = file;
    this.#key = key;
    this.#own = own + sep;
    this.#body = body;
    this.#index = index;
  }

  /**
   * Reads the image for a key from a folder; an empty one where there is none that can be used.
   *
   * @param key  what compiled code depends on besides the files: the version of Node, its options, the installation of the program
   * @param own  the folder of the program's own modules
   */
  static read(folder: string, key: string, own: string): ModuleImage {
    const file = join(folder, `modules-${hashOf(key)}.image`);
    try {
      const read = isOwnFile(file) ? readIndex(file, key) : undefined;
      if (read) return new ModuleImage(file, key, own, read.body, read.index);
    } catch {
      // What cannot be read is written anew.
    }
    return new ModuleImage(file, key, own);
  }

  /** A module that is kept and whose file has not changed, with those of its requests that still stand for the same files. */
  module(file: string): KeptModule | undefined {
    const name = `\n${asciiJson(file)}\t`;
    const at = this.#index.indexOf(name);
    if (at < 0 || !this.#body || !(this.#isOwn(file) || this.#holds())) return undefined;
    const from = at + name.length;
    const stamp = stampOf(file);
    const read = stamp && readModule(this.#body, this.#index.slice(from, this.#index.indexOf("\n", from)), stamp);
    return read && { ...read, requests: this.#holding(read.requests) };
  }

  /**
   * Writes the image anew with further modules, in place of older ones of the same files.
   *
   * @throws what writing throws
   */
  write(further: ReadonlyMap<string, KeptModule>): void {
    const kept = new Map<string, KeptModule>();
    for (const [, name = ""] of this.#index.matchAll(/^("[^\n]*")\t/gm)) {
      const file = parsed<string>(name);
      const module = file === undefined ? undefined : this.module(file);
      if (file !== undefined && module) kept.set(file, module);
    }
    for (const [file, module] of further) kept.set(file, module);
    writeWhole(this.#file, this.#key, kept);
    removeOthers(this.#file);
  }

  #isOwn(file: string): boolean {
    return file.startsWith(this.#own);
  }

  #holding(requests: Requests): Requests {
    const files = Object.values(requests);
    if (files.every((file) => this.#isOwn(file)) || this.#holds()) return requests;
    return Object.fromEntries(Object.entries(requests).filter(([, file]) => this.#isOwn(file)));
  }

  /** Whether the packages are those that they were when the image was written. */
  #holds(): boolean {
    return (this.#packagesHold ??= placesIn(this.#index)?.every(isUnchanged) ?? false);
  }
}

/** Where the modules of an image stand: the open file, which stays the same one when another is written in its place. */
interface Body {
  readonly descriptor: number;
  readonly start: number;
  readonly size: number;
}

/** Reads the index alone: most starts need few of the modules, and read each when it is asked for. */
function readIndex(file: string, key: string): { index: string; body: Body } | undefined {
  const descriptor = openSync(file, "r");
  const read = indexOf(descriptor, key);
  if (read === undefined) closeSync(descriptor);
  return read;
}

function indexOf(descriptor: number, key: string): { index: string; body: Body } | undefined {
  const { size } = fstatSync(descriptor);
  const prefix = readBytes(descriptor, 0, PREFIX);
  if (prefix?.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const length = prefix.readUInt32LE(MAGIC.length);
  const bytes = PREFIX + length <= size ? readBytes(descriptor, PREFIX, length) : undefined;
  if (!bytes) return undefined;
  const index = bytes.toString("latin1");
  const heading = parsed<Heading>(index.slice(0, index.indexOf("\n")));
  const body: Body = { descriptor, start: PREFIX + length, size: size - PREFIX - length };
  return heading?.key === key && heading.size === body.size ? { index, body } : undefined;
}

/** Reads a module by its line of the index; undefined where its file has changed since, or what is kept is damaged. */
function readModule(body: Body, line: string, stamp: FileStamp): KeptModule | undefined {
  const numbers = parsed<Entry>(line);
  if (numbers?.[0] !== stamp.changedMs || numbers[1] !== stamp.size) return undefined;
  const [, , start, sourceLength, narrow, codeLength, requestsLength, checksum] = numbers;
  const code = padded(sourceLength);
  const requests = code + padded(codeLength);
  const length = requests + padded(requestsLength);
  if (!(start >= 0 && length >= 0 && start + length <= body.size)) return undefined;
  const bytes = readBytes(body.descriptor, body.start + start, length);
  if (!bytes || checksumOf(bytes, numbers.slice(0, -1)) !== checksum) return undefined;
  return {
    stamp,
    source: bytes.toString(narrow ? "latin1" : "utf8", 0, sourceLength),
    code: bytes.subarray(code, code + codeLength),
    requests: JSON.parse(bytes.toString("latin1", requests, requests + requestsLength)) as Requests,
  };
}

/** Bytes of a file; undefined where it is shorter. */
function readBytes(descriptor: number, start: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length;) {
    const count = readSync(descriptor, bytes, at, length - at, start + at);
    if (count === 0) return undefined;
    at += count;
  }
  return bytes;
}

function isUnchanged([place, changedMs]: Place): boolean {
  return stampOf(place)?.changedMs === changedMs;
}

/** The second line of an index. */
function placesIn(index: string): Place[] | undefined {
  const start = index.indexOf("\n") + 1;
  return parsed(index.slice(start, index.indexOf("\n", start)));
}

/** What a part of an index says; undefined where it is damaged. */
function parsed<T>(json: string): T | undefined {
  try {
    return JSON.parse(json) as T;
  } catch {
    return undefined;
  }
}

/** JSON in one line, of characters that have one byte in every encoding. */
function asciiJson(value: unknown): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escaped);
}

/** A length with what fills it up to a multiple of 16: V8 wants its data to begin at one of eight. */
function padded(length: number): number {
  return (length + 15) & ~15;
}

/** The checksum of numbers and of bytes, whose count is a multiple of 16. */
function checksumOf(bytes: Buffer, numbers: readonly number[]): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let sum = 1;
  for (const number of numbers) sum = (Math.imul(sum, 31) + number) | 0;
  // Four at a time: the first modules of a start are summed up by code that is not compiled yet.
  for (let at = 0; at < words.length; at += 4) {
    const four = (words[at] ?? 0) ^ (words[at + 1] ?? 0) ^ (words[at + 2] ?? 0) ^ (words[at + 3] ?? 0);
    sum = (Math.imul(sum, 31) + four) | 0;
  }
  return sum;
}

/** A short name for a key (FNV-1a); the image itself holds the whole key. */
function hashOf(key: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

function writeWhole(file: string, key: string, kept: ReadonlyMap<string, KeptModule>): void {
  const parts: Buffer[] = [];
  const lines: string[] = [];
  let size = 0;
  for (const [name, { stamp, source, code, requests }] of kept) {
    // eslint-disable-next-line no-control-regex -- the characters that have one byte in every encoding
    const narrow = /^[\x00-\x7f]*$/.test(source);
    const text = Buffer.from(source, narrow ? "latin1" : "utf8");
    const targets = Buffer.from(asciiJson(requests), "latin1");
    const part = Buffer.concat([text, code, targets].map(toPadded));
    const lengths = [text.length, Number(narrow), code.length, targets.length] as const;
    const numbers = [stamp.changedMs, stamp.size, size, ...lengths] as const;
    const entry: Entry = [...numbers, checksumOf(part, numbers)];
    lines.push(`${asciiJson(name)}\t${JSON.stringify(entry)}`);
    parts.push(part);
    size += part.length;
  }
  const heading = { key, size } satisfies Heading;
  const index = toPadded(
    Buffer.from([asciiJson(heading), asciiJson(placesOf(kept.keys())), ...lines, ""].join("\n"), "latin1"),
  );
  const prefix = Buffer.alloc(PREFIX, MAGIC, "latin1");
  prefix.writeUInt32LE(index.length, MAGIC.length);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Another shell reads the old file or the new one, never a half of one.
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, Buffer.concat([prefix, index, ...parts]), { mode: 0o600 });
  renameSync(temporary, file);
}

/** A copy of bytes that begins and ends at a multiple of 16. */
function toPadded(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(padded(bytes.length), " ");
  bytes.copy(copy);
  return copy;
}

/** What changes when a package comes, goes or is replaced: the folders of packages, those that they stand in, and their manifests. */
function placesOf(files: Iterable<string>): Place[] {
  const places = new Set<string>();
  for (const file of files) {
    const [, modules, name] = /^(.*[\\/]node_modules)[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
    if (modules === undefined || name === undefined) continue;
    for (const place of [modules, join(modules, name), join(modules, name, "package.json")]) places.add(place);
  }
  return [...places].flatMap((place) => {
    const stamp = stampOf(place);
    return stamp ? [[place, stamp.changedMs] satisfies Place] : [];
  });
}

function removeOthers(file: string): void {
  const folder = dirname(file);
  const others = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((other) => other !== file && /[\\/]modules-[^\\/]*\.image$/.test(other))
    .map((other) => ({ other, changedMs: stampOf(other)?.changedMs ?? 0 }))
    .sort((a, b) => b.changedMs - a.changedMs);
  for (const { other } of others.slice(MOST_OTHER_IMAGES)) rmSync(other, { force: true });
}

/** Reads a module's text as it stands on the disk. */
export function readSource(file: string): string {
  return readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .replace(/^#!.*/, "");
}
