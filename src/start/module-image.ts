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
import { dirname, join } from "node:path";
import { isOwnFile } from "./cache-folder";

/** What a file was when it was read: its time of change in milliseconds and its length in bytes. */
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
  readonly requests: Readonly<Record<string, string>>;
}

/** A module in the header of an image: numbers are offsets and lengths in the body. */
interface Entry {
  /** Time of change and length of the file. */
  readonly stamp: readonly [number, number];
  readonly source: readonly [number, number];
  /** Whether the text has a byte for each character. */
  readonly narrow: boolean;
  readonly code: readonly [number, number];
  /** Of the text and the code, which stand side by side. */
  readonly checksum: number;
  readonly requests: Readonly<Record<string, string>>;
}

interface Header {
  /** What the code depends on besides the files: see {@link ModuleImage.read}. */
  readonly key: string;
  readonly size: number;
  /** Folders and manifests of packages with their times of change: as long as they hold, requests stand for the same files. */
  readonly places: readonly (readonly [string, number])[];
  readonly modules: Readonly<Record<string, Entry>>;
}

/** The beginning of a file, with the version of its format. */
const MAGIC = "SEQIMG01";
/** What stands before the header: the magic, and the length and the checksum of the header. */
const PREFIX = MAGIC.length + 8;
/** Images of other versions of Node or of other installations that stay beside a new one. */
const MOST_OTHER_IMAGES = 5;

/** The stamp of a file; undefined where there is none. */
export function stampOf(file: string): FileStamp | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && { changedMs: found.mtimeMs, size: found.size };
}

/**
 * Modules with the code that V8 compiled of them at earlier starts, in one file.
 *
 * Reading one file replaces hundreds of searches, reads and compilations. A module is given out only as long as its own file has not
 * changed, and none at all once a package was installed or removed. What is damaged is not given out: V8 would run it. A file of
 * another format or one that others can write reads as empty.
 */
export class ModuleImage {
  readonly #file: string;
  readonly #key: string;
  readonly #body: Body | undefined;
  readonly #modules: Readonly<Record<string, Entry>>;

  private constructor(file: string, key: string, body?: Body, modules: Readonly<Record<string, Entry>> = {}) {
    this.#file = file;
    this.#key = key;
    this.#body = body;
    this.#modules = modules;
  }

  /**
   * Reads the image for a key from a folder; an empty one where there is none that can be used.
   *
   * @param key  what compiled code depends on besides the files: the version of Node, its options, the installation of the program
   */
  static read(folder: string, key: string): ModuleImage {
    const file = join(folder, `modules-${hashOf(key)}.image`);
    try {
      const read = isOwnFile(file) ? readHeader(file) : undefined;
      const holds = read?.header.key === key && read.header.places.every(isUnchanged);
      if (holds) return new ModuleImage(file, key, read.body, read.header.modules);
    } catch {
      // What cannot be read is written anew.
    }
    return new ModuleImage(file, key);
  }

  /** A module that is kept and whose file has not changed. */
  module(file: string): KeptModule | undefined {
    const entry = this.#modules[file];
    if (!entry || !this.#body) return undefined;
    const stamp = stampOf(file);
    if (stamp?.changedMs !== entry.stamp[0] || stamp.size !== entry.stamp[1]) return undefined;
    const { requests, narrow } = entry;
    const [start, length] = entry.source;
    const bytes = readBytes(
      this.#body.descriptor,
      this.#body.start + start,
      padded(entry.code[0] + entry.code[1]) - start,
    );
    if (!bytes || checksumOf(bytes, 0, bytes.length) !== entry.checksum) return undefined;
    const source = bytes.toString(narrow ? "latin1" : "utf8", 0, length);
    const code = entry.code[0] - start;
    return { stamp, source, requests, code: bytes.subarray(code, code + entry.code[1]) };
  }

  /**
   * Writes the image anew with further modules, in place of older ones of the same files.
   *
   * @throws what writing throws
   */
  write(further: ReadonlyMap<string, KeptModule>): void {
    const kept = new Map<string, KeptModule>();
    for (const file of Object.keys(this.#modules)) {
      const module = this.module(file);
      if (module) kept.set(file, module);
    }
    for (const [file, module] of further) kept.set(file, module);
    writeWhole(this.#file, this.#key, kept);
    removeOthers(this.#file);
  }
}

/** Where the modules of an image stand: the open file, which stays the same one when another is written in its place. */
interface Body {
  readonly descriptor: number;
  readonly start: number;
}

/** Reads the header alone: most starts need few of the modules, and read each when it is asked for. */
function readHeader(file: string): { header: Header; body: Body } | undefined {
  const descriptor = openSync(file, "r");
  const header = headerOf(descriptor);
  if (header !== undefined) return header;
  closeSync(descriptor);
  return undefined;
}

function headerOf(descriptor: number): { header: Header; body: Body } | undefined {
  const { size } = fstatSync(descriptor);
  const prefix = readBytes(descriptor, 0, PREFIX);
  if (prefix?.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const length = prefix.readUInt32LE(MAGIC.length);
  const bytes = PREFIX + length <= size ? readBytes(descriptor, PREFIX, length) : undefined;
  if (!bytes || checksumOf(bytes, 0, length) !== prefix.readInt32LE(MAGIC.length + 4)) return undefined;
  const header = JSON.parse(bytes.toString("utf8")) as Header;
  const start = PREFIX + length;
  return header.size === size - start ? { header, body: { descriptor, start } } : undefined;
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

function isUnchanged([place, changedMs]: readonly [string, number]): boolean {
  return stampOf(place)?.changedMs === changedMs;
}

/** A length with what fills it up to a multiple of eight, where V8 wants its data to begin. */
function padded(length: number): number {
  return (length + 7) & ~7;
}

/** The checksum of bytes between two multiples of eight. */
function checksumOf(bytes: Buffer, start: number, end: number): number {
  if (end > bytes.length || bytes.byteOffset % 8 !== 0) return Number.NaN;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (end - start) >> 2);
  let sum = 1;
  for (let index = 0; index < words.length; index += 1) sum = (Math.imul(sum, 31) + (words[index] ?? 0)) | 0;
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
  let size = 0;
  const add = (part: Buffer): [number, number] => {
    const place: [number, number] = [size, part.length];
    parts.push(part, Buffer.alloc(padded(part.length) - part.length));
    size += padded(part.length);
    return place;
  };
  const places = new Map<string, Omit<Entry, "checksum">>();
  for (const [name, { stamp, source, code, requests }] of kept) {
    // eslint-disable-next-line no-control-regex -- the characters that have one byte in every encoding
    const narrow = /^[\x00-\x7f]*$/.test(source);
    places.set(name, {
      stamp: [stamp.changedMs, stamp.size],
      narrow,
      requests,
      source: add(Buffer.from(source, narrow ? "latin1" : "utf8")),
      code: add(code),
    });
  }
  const body = Buffer.concat(parts);
  const modules: Record<string, Entry> = {};
  for (const [name, entry] of places) {
    const end = padded(entry.code[0] + entry.code[1]);
    modules[name] = { ...entry, checksum: checksumOf(body, entry.source[0], end) };
  }
  const json = Buffer.from(JSON.stringify({ key, size, places: placesOf(kept.keys()), modules } satisfies Header));
  const header = Buffer.concat([json, Buffer.alloc(padded(json.length) - json.length, " ")]);
  const prefix = Buffer.alloc(PREFIX, MAGIC, "latin1");
  prefix.writeUInt32LE(header.length, MAGIC.length);
  prefix.writeInt32LE(checksumOf(header, 0, header.length), MAGIC.length + 4);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Another shell reads the old file or the new one, never a half of one.
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, Buffer.concat([prefix, header, body]), { mode: 0o600 });
  renameSync(temporary, file);
}

/** What changes when a package comes, goes or is replaced: the folders of packages, those that they stand in, and their manifests. */
function placesOf(files: Iterable<string>): [string, number][] {
  const places = new Set<string>();
  for (const file of files) {
    const [, modules, name] = /^(.*[\\/]node_modules)[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
    if (modules === undefined || name === undefined) continue;
    for (const place of [modules, join(modules, name), join(modules, name, "package.json")]) places.add(place);
  }
  return [...places].flatMap((place) => {
    const stamp = stampOf(place);
    return stamp ? [[place, stamp.changedMs] as [string, number]] : [];
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
