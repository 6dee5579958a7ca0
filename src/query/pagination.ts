import { NotFound } from "../errors";
import { checkOptions } from "./named-options";
import type { Query } from "./query";

/** What `paginate` takes, by name. */
export interface PaginateOptions {
  /** Counted from 1; default 1. Text of digits is a number, as it comes from a URL. */
  page?: number | string | null | undefined;
  /** Rows of one page; default 20. */
  perPage?: number | string | null | undefined;
  /** No page is longer than this; default: no bound. */
  maxPerPage?: number | null | undefined;
  /** A page that is not there is a 404; otherwise it is the nearest possible one, or empty. Default true. */
  errorOut?: boolean;
  /** The rows of all pages are counted; default true. */
  count?: boolean;
}

/** Gaps between the page numbers that {@link Pagination.iterPages} gives. */
export interface PageEdges {
  leftEdge?: number;
  leftCurrent?: number;
  rightCurrent?: number;
  rightEdge?: number;
}

const FIRST_PAGE = 1;
const PER_PAGE = 20;

/** A page number and a page length that are right, or a 404. */
interface PageRequest {
  page: number;
  perPage: number;
  maxPerPage: number | null;
}

/** One page of a query's rows: its items, its place among the pages, and the way to its neighbours. */
export class Pagination<T> {
  readonly page: number;
  readonly perPage: number;
  readonly items: readonly T[];
  /** Rows of all pages; null where they were not counted. */
  readonly total: number | null;
  readonly #query: Query<T>;
  readonly #maxPerPage: number | null;

  private constructor(query: Query<T>, request: PageRequest, items: readonly T[], total: number | null) {
    this.#query = query;
    this.#maxPerPage = request.maxPerPage;
    this.page = request.page;
    this.perPage = request.perPage;
    this.items = items;
    this.total = total;
  }

  /**
   * Fetches a page.
   *
   * @throws {TypeError} for arguments that are not given by name
   * @throws {NotFound} for a page that is not there, with `errorOut`
   */
  static async of<T>(query: Query<T>, options: PaginateOptions): Promise<Pagination<T>> {
    const { errorOut = true, count = true } = byName(options);
    const request = pageRequest(options, errorOut);
    // Before anything is sent: a query with bounds of its own cannot be paginated.
    const unordered = query.orderBy(null);
    const items = await fetch(query, request);
    if (items.length === 0 && request.page !== FIRST_PAGE && errorOut) throw new NotFound();
    const total = count ? await unordered.count() : null;
    return new Pagination(query, request, items, total);
  }

  /** The number of pages; 0 where nothing was found or counted. */
  get pages(): number {
    return this.total === null ? 0 : Math.ceil(this.total / this.perPage);
  }

  get hasPrev(): boolean {
    return this.page > FIRST_PAGE;
  }

  get hasNext(): boolean {
    return this.page < this.pages;
  }

  /** The number of the page before; null on the first. */
  get prevNum(): number | null {
    return this.hasPrev ? this.page - 1 : null;
  }

  /** The number of the page after; null on the last. */
  get nextNum(): number | null {
    return this.hasNext ? this.page + 1 : null;
  }

  /** The number of the first item among the rows of all pages, counted from 1; 0 on an empty page. */
  get first(): number {
    return this.items.length === 0 ? 0 : (this.page - 1) * this.perPage + 1;
  }

  /** The number of the last item among the rows of all pages; 0 on an empty page. */
  get last(): number {
    return this.items.length === 0 ? 0 : this.first + this.items.length - 1;
  }

  /** The page before; on the first page, that one again. */
  prev(options: { errorOut?: boolean } = {}): Promise<Pagination<T>> {
    return this.#at(this.page - 1, options.errorOut ?? false);
  }

  /** The page after; empty behind the last. */
  next(options: { errorOut?: boolean } = {}): Promise<Pagination<T>> {
    return this.#at(this.page + 1, options.errorOut ?? false);
  }

  /** The numbers to show in a bar of pages: the edges and those around this page, with null for each gap. */
  *iterPages(edges: PageEdges = {}): Generator<number | null> {
    const { leftEdge = 2, leftCurrent = 2, rightCurrent = 4, rightEdge = 2 } = edges;
    const end = this.pages + 1;
    if (end === 1) return;
    const leftEnd = Math.min(1 + leftEdge, end);
    yield* range(1, leftEnd);
    if (leftEnd === end) return;
    const midStart = Math.max(leftEnd, this.page - leftCurrent);
    const midEnd = Math.min(this.page + rightCurrent + 1, end);
    if (midStart > leftEnd) yield null;
    yield* range(midStart, midEnd);
    if (midEnd === end) return;
    const rightStart = Math.max(midEnd, end - rightEdge);
    if (rightStart > midEnd) yield null;
    yield* range(rightStart, end);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]();
  }

  async #at(page: number, errorOut: boolean): Promise<Pagination<T>> {
    const options = { page, perPage: this.perPage, maxPerPage: this.#maxPerPage };
    const request = pageRequest(options, errorOut);
    const items = await fetch(this.#query, request);
    if (items.length === 0 && request.page !== FIRST_PAGE && errorOut) throw new NotFound();
    return new Pagination(this.#query, request, items, this.total);
  }
}

async function fetch<T>(query: Query<T>, { page, perPage }: PageRequest): Promise<T[]> {
  // No table has so many rows that its last one could not be numbered.
  if (!Number.isSafeInteger((page - 1) * perPage)) return [];
  return query
    .limit(perPage)
    .offset((page - 1) * perPage)
    .all();
}

function byName(options: PaginateOptions): PaginateOptions {
  if (typeof options !== "object" || options === null)
    throw new TypeError("paginate() takes its arguments by name: paginate({ page: 2, perPage: 20 }).");
  checkOptions(options, ["page", "perPage", "maxPerPage", "errorOut", "count"], "paginate");
  return options;
}

function pageRequest(options: PaginateOptions, errorOut: boolean): PageRequest {
  const orNotFound = (value: number | undefined, otherwise: number): number => {
    if (value !== undefined && value >= 1) return value;
    if (errorOut) throw new NotFound();
    return otherwise;
  };
  const maxPerPage = options.maxPerPage ?? null;
  const page = wholeNumber(options.page ?? FIRST_PAGE);
  let perPage = wholeNumber(options.perPage ?? PER_PAGE);
  if (perPage !== undefined && maxPerPage !== null) perPage = Math.min(perPage, maxPerPage);
  return { page: orNotFound(page, FIRST_PAGE), perPage: orNotFound(perPage, PER_PAGE), maxPerPage };
}

/** A whole number, also as text of digits; undefined for anything else. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

function* range(start: number, end: number): Generator<number> {
  for (let n = start; n < end; n++) yield n;
}
