import type { Condition, Expression } from "../../src/query/expressions";
import { Column, aliased, and, func, literal, not, or, text, when } from "../../src/query/expressions";
import type { AnyAlias } from "../../src/query/expressions";
import { joined } from "../../src/query/load-options";
import { Query } from "../../src/query/query";
import type { RelationshipExpression } from "../../src/query/relationship-expression";
import type { RunnableQuery } from "../../src/query/runnable-query";
import type { Models } from "./models";
import type { Data, Random, Row } from "./random-data";
import { TEXTS, WORDS } from "./random-data";

/** A value of SQL in JavaScript; null is NULL. */
type Value = number | string | boolean | null;
/** The rows that stand beside each other while an expression is evaluated, by the name of their table; null where an outer join found none. */
type Env = Readonly<Record<string, Row | null>>;
type ModelName = "Role" | "User" | "Node" | "Item" | "Keyword";
type Kind = "number" | "word" | "text" | "boolean";

/** An expression twice: as the query takes it, and as a function of the rows. */
interface Twin<E = Expression> {
  sql: E;
  js: (env: Env) => Value;
}

/** A table of a random query: a model or an alias of it. */
interface Source {
  name: string;
  model: ModelName;
  c: Record<string, Column | RelationshipExpression>;
  alias?: AnyAlias;
}

/** A random query and what it must give. */
export interface RandomCase {
  query: RunnableQuery;
  /** Values per row; of an object its attributes. */
  rows: Value[][];
  /** The rows must come in this order. */
  ordered: boolean;
  /** How many rows count() must tell. */
  count: number;
}

const ATTRIBUTES: Record<ModelName, Record<string, Kind>> = {
  Role: { id: "number", name: "word" },
  User: { id: "number", username: "text", age: "number", active: "boolean", roleId: "number" },
  Node: { id: "number", name: "word", parentId: "number" },
  Item: { id: "number", title: "word" },
  Keyword: { id: "number", word: "word" },
};

/** Relationships: the model they lead to, and which rows belong to which. */
interface Link {
  key: string;
  target: ModelName;
  toMany: boolean;
  related: (row: Row, data: Data) => Row[];
}

const byKey = (rows: readonly Row[], key: string, value: unknown): Row[] =>
  value === null ? [] : rows.filter((row) => row[key] === value);

const LINKS: Record<ModelName, Link[]> = {
  Role: [{ key: "users", target: "User", toMany: true, related: (row, data) => byKey(data.User, "roleId", row["id"]) }],
  User: [{ key: "role", target: "Role", toMany: false, related: (row, data) => byKey(data.Role, "id", row["roleId"]) }],
  Node: [
    { key: "parent", target: "Node", toMany: false, related: (row, data) => byKey(data.Node, "id", row["parentId"]) },
    { key: "children", target: "Node", toMany: true, related: (row, data) => byKey(data.Node, "parentId", row["id"]) },
  ],
  Item: [
    {
      key: "keywords",
      target: "Keyword",
      toMany: true,
      related: (row, data) =>
        byKey(data.ItemKeyword, "itemId", row["id"]).flatMap((link) => byKey(data.Keyword, "id", link["keywordId"])),
    },
  ],
  Keyword: [
    {
      key: "items",
      target: "Item",
      toMany: true,
      related: (row, data) =>
        byKey(data.ItemKeyword, "keywordId", row["id"]).flatMap((link) => byKey(data.Item, "id", link["itemId"])),
    },
  ],
};

/** Makes random queries over the models, each with the rows that plain JavaScript finds. */
export class QueryMaker {
  readonly #random: Random;
  readonly #models: Models;
  readonly #data: Data;
  readonly #executor: ConstructorParameters<typeof Query>[0];
  #aliases = 0;

  constructor(random: Random, models: Models, data: Data, executor: ConstructorParameters<typeof Query>[0]) {
    this.#random = random;
    this.#models = models;
    this.#data = data;
    this.#executor = executor;
  }

  make(): RandomCase {
    const random = this.#random;
    const roll = random.next();
    if (roll < 0.12) return this.#compound();
    if (roll < 0.3) return this.#grouped();
    return this.#select(random.pick<ModelName>(["User", "User", "Role", "Node", "Item", "Keyword"]));
  }

  // ---- Shapes ----

  #select(model: ModelName): RandomCase {
    const random = this.#random;
    const { query: joined, sources, rows } = this.#joined(model);
    const conditions = Array.from({ length: random.int(0, 3) }, () => this.#condition(sources, 2));
    let query = joined.filter(...conditions.map((condition) => condition.sql));
    let envs = rows.filter((env) => conditions.every((condition) => condition.js(env) === true));
    if (random.chance(0.15)) [query, envs] = this.#filteredBy(query, sources, envs);
    if (random.chance(0.5)) return this.#bounded(query, envs, sources, model);
    return this.#columns(query, envs, sources);
  }

  /** Objects of the first model, perhaps in order and within bounds. */
  #bounded(query: Query, envs: Env[], sources: readonly Source[], model: ModelName): RandomCase {
    const [first] = sources as [Source];
    const isPlain = sources.length === 1;
    const valuesOf = (env: Env): Value[] =>
      Object.keys(this.#data[model][0] ?? {}).map((name) => (env[first.name] as Row)[name] as Value);
    if (!isPlain) {
      // An object that a join multiplies is given once.
      const unique = [...new Map(envs.map((env) => [env[first.name], env])).values()];
      return { query, rows: unique.map(valuesOf), ordered: false, count: envs.length };
    }
    const [ordered, sorted] = this.#ordered(query, envs, sources);
    const [limited, kept] = this.#limited(ordered, sorted);
    // What is loaded beside the objects changes neither them nor their number.
    const links = LINKS[model].filter(() => this.#random.chance(0.3));
    const loading = limited.options(...links.map((link) => joined(link.key)));
    return { query: loading, rows: kept.map(valuesOf), ordered: true, count: kept.length };
  }

  /** Rows of columns and calculated values. */
  #columns(query: Query, envs: Env[], sources: readonly Source[]): RandomCase {
    const random = this.#random;
    const values = Array.from({ length: random.int(1, 3) }, (_, i) => {
      const value = this.#value(sources, random.pick<Kind>(["number", "word", "text", "boolean"]), 2);
      const sql = value.sql instanceof Column && random.chance(0.5) ? value.sql : value.sql.label(`v${i}`);
      return { sql, js: value.js };
    });
    const isDistinct = random.chance(0.25);
    const [ordered, sorted] = isDistinct ? [query, envs] : this.#ordered(query, envs, sources);
    let rows = sorted.map((env) => values.map((value) => value.js(env)));
    let selected: Query = ordered.withEntities(...values.map((value) => value.sql)) as Query;
    if (isDistinct) {
      selected = selected.distinct();
      rows = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
      return { query: selected, rows, ordered: false, count: rows.length };
    }
    const [limited, kept] = this.#limited(selected, rows);
    return { query: limited, rows: kept, ordered: true, count: kept.length };
  }

  #grouped(): RandomCase {
    const random = this.#random;
    const { query, sources, rows } = this.#joined(random.pick<ModelName>(["User", "Role", "Item", "Node"]));
    const condition = this.#condition(sources, 1);
    const envs = rows.filter((env) => condition.js(env) === true);
    const key = this.#column(random.pick(sources), random.pick<Kind>(["number", "word", "boolean"]));
    const number = this.#column(random.pick(sources), "number");
    const groups = new Map<Value, Env[]>();
    for (const env of envs) groups.set(key.js(env), [...(groups.get(key.js(env)) ?? []), env]);
    const known = (group: Env[]): number[] => group.map(number.js).filter((value) => value !== null) as number[];
    const sum = (list: number[]): number | null => (list.length === 0 ? null : list.reduce((a, b) => a + b, 0));
    const aggregates: [Expression, (group: Env[]) => Value][] = [
      [func.count(), (group) => group.length],
      [func.count(number.sql), (group) => known(group).length],
      [func.count(number.sql.distinct()), (group) => new Set(known(group)).size],
      [func.sum(number.sql), (group) => sum(known(group))],
      [func.min(number.sql), (group) => (known(group).length === 0 ? null : Math.min(...known(group)))],
      [func.max(number.sql), (group) => (known(group).length === 0 ? null : Math.max(...known(group)))],
      [
        func.avg(number.sql),
        (group) => (known(group).length === 0 ? null : (sum(known(group)) as number) / known(group).length),
      ],
    ];
    const [aggregate, compute] = random.pick(aggregates);
    const least = random.int(1, 3);
    const hasHaving = random.chance(0.4);
    const isOrdered = random.chance(0.5);
    let grouped: Query = query
      .filter(condition.sql)
      .withEntities(key.sql.label("k"), aggregate.label("a"))
      .groupBy(random.chance(0.5) ? key.sql : "k") as Query;
    if (hasHaving) grouped = grouped.having(func.count().ge(least));
    let found = [...groups].filter(([, group]) => !hasHaving || group.length >= least);
    if (isOrdered) {
      grouped = grouped.orderBy(key.sql.asc().nullsFirst());
      found = found.sort(([a], [b]) => compare(a, b, "first"));
    }
    const result = found.map(([value, group]) => [value, compute(group)]);
    return { query: grouped, rows: result, ordered: isOrdered, count: result.length };
  }

  #compound(): RandomCase {
    const random = this.#random;
    const model = random.pick<ModelName>(["User", "Node", "Item"]);
    const source = this.#source(model);
    const all = this.#data[model].map((row): Env => ({ [source.name]: row }));
    const part = (): [Query, Row[]] => {
      const condition = this.#condition([source], 1);
      const matching = all.filter((env) => condition.js(env) === true).map((env) => env[source.name] as Row);
      const query = this.#query(model).filter(condition.sql);
      if (!random.chance(0.3)) return [query, matching];
      const count = random.int(0, 4);
      return [query.orderBy("id").limit(count), matching.slice(0, count)];
    };
    let [query, rows] = part();
    for (let i = random.int(1, 2); i > 0; i--) {
      const [other, others] = part();
      const operator = random.pick(["union", "unionAll", "intersect", "except"] as const);
      query = query[operator](other as Query<never>);
      const has = new Set(others);
      if (operator === "unionAll") rows = [...rows, ...others];
      else if (operator === "union") rows = [...new Set([...rows, ...others])];
      else rows = [...new Set(rows)].filter((row) => has.has(row) === (operator === "intersect"));
    }
    const outer = this.#condition([source], 1);
    if (random.chance(0.4)) {
      query = query.filter(outer.sql);
      rows = rows.filter((row) => outer.js({ [source.name]: row }) === true);
    }
    const unique = [...new Set(rows)];
    const values = unique.map((row) => Object.values(row) as Value[]);
    return { query, rows: values, ordered: false, count: rows.length };
  }

  // ---- Parts ----

  #query(model: ModelName): Query {
    return Query.of(this.#executor, this.#models[model] as Models["Role"]) as Query;
  }

  #source(model: ModelName): Source {
    return { name: model, model, c: this.#models[model].c };
  }

  #joined(model: ModelName): { query: Query; sources: Source[]; rows: Env[] } {
    const random = this.#random;
    let query = this.#query(model);
    const sources = [this.#source(model)];
    let rows = this.#data[model].map((row): Env => ({ [model]: row }));
    for (let joins = random.chance(0.55) ? 0 : random.int(1, 2); joins > 0; joins--) {
      const from = random.pick(sources);
      const link = random.pick(LINKS[from.model]);
      const mustAlias = sources.some((source) => source.model === link.target);
      // The association table of two joins of the same path would stand there twice under one name.
      if (mustAlias && link.toMany && from.model !== "Node" && from.model !== "Role") continue;
      const outer = random.chance(0.4);
      const isAliased = mustAlias || random.chance(0.3);
      const alias = isAliased
        ? aliased(this.#models[link.target] as Models["Role"], random.chance(0.5) ? `a${++this.#aliases}` : undefined)
        : undefined;
      const target: Source =
        alias === undefined
          ? this.#source(link.target)
          : { name: `alias ${++this.#aliases}`, model: link.target, c: alias.c, alias };
      const relationship = from.c[link.key] as RelationshipExpression<never>;
      query = (outer ? query.outerjoin(relationship, alias) : query.join(relationship, alias)) as Query;
      rows = rows.flatMap((env): Env[] => {
        const row = env[from.name];
        const related = row ? link.related(row, this.#data) : [];
        if (related.length === 0) return outer ? [{ ...env, [target.name]: null }] : [];
        return related.map((each) => ({ ...env, [target.name]: each }));
      });
      sources.push(target);
    }
    return { query, sources, rows };
  }

  /** A condition by name, on the model that filterBy speaks of. */
  #filteredBy(query: Query, sources: readonly Source[], envs: Env[]): [Query, Env[]] {
    const target = sources.at(-1) as Source;
    const name = this.#random.pick(Object.keys(ATTRIBUTES[target.model]));
    const value = this.#constant(ATTRIBUTES[target.model][name] as Kind);
    const filtered = this.#random.chance(0.5)
      ? query.filterBy({ [name]: value } as never)
      : query.filter({ [name]: value });
    const matches = (env: Env): boolean => {
      const row = env[target.name];
      return value === null ? (row?.[name] ?? null) === null : row?.[name] === value;
    };
    return [filtered, envs.filter(matches)];
  }

  /** An order that leaves no two rows equal. */
  #ordered(query: Query, envs: Env[], sources: readonly Source[]): [Query, Env[]] {
    const random = this.#random;
    const terms: { value: Twin; descending: boolean; nulls: "first" | "last" }[] = [];
    const add = (value: Twin): void =>
      void terms.push({ value, descending: random.chance(0.5), nulls: random.pick(["first", "last"] as const) });
    if (random.chance(0.5)) add(this.#value(sources, random.pick<Kind>(["number", "word"]), 1));
    for (const source of sources) add(this.#columnOf(source, "id"));
    const sorted = [...envs].sort((a, b) => {
      for (const { value, descending, nulls } of terms) {
        const [x, y] = [value.js(a), value.js(b)];
        const difference =
          x === null || y === null ? compare(x, y, nulls) : compare(x, y, nulls) * (descending ? -1 : 1);
        if (difference !== 0) return difference;
      }
      return 0;
    });
    const orderings = terms.map(({ value, descending, nulls }) => {
      const ordering = descending ? value.sql.desc() : value.sql.asc();
      return nulls === "first" ? ordering.nullsFirst() : ordering.nullsLast();
    });
    return [query.orderBy(...orderings), sorted];
  }

  #limited<T>(query: Query, rows: T[]): [Query, T[]] {
    const random = this.#random;
    const roll = random.next();
    if (roll < 0.5) return [query, rows];
    const [limit, offset] = [random.int(0, 6), random.int(0, 4)];
    if (roll < 0.65) return [query.limit(limit), rows.slice(0, limit)];
    if (roll < 0.75) return [query.offset(offset), rows.slice(offset)];
    if (roll < 0.9) return [query.limit(limit).offset(offset), rows.slice(offset, offset + limit)];
    return [query.slice(offset, offset + limit), rows.slice(offset, offset + limit)];
  }

  // ---- Expressions ----

  #columnOf(source: Source, name: string): Twin<Column> {
    return { sql: source.c[name] as Column, js: (env) => (env[source.name]?.[name] ?? null) as Value };
  }

  #column(source: Source, kind: Kind): Twin<Column> {
    const names = Object.entries(ATTRIBUTES[source.model]).filter(([, each]) => each === kind);
    return this.#columnOf(source, names.length === 0 ? "id" : this.#random.pick(names)[0]);
  }

  #hasKind(source: Source, kind: Kind): boolean {
    return Object.values(ATTRIBUTES[source.model]).includes(kind);
  }

  #constant(kind: Kind, nullable = true): Value {
    const random = this.#random;
    if (nullable && random.chance(0.06)) return null;
    switch (kind) {
      case "number":
        return random.int(-1, 10);
      case "word":
        return random.pick(WORDS);
      case "text":
        return random.pick(TEXTS);
      case "boolean":
        return random.chance(0.5);
    }
  }

  /** An expression of that kind; of text only what equality and LIKE can be asked of. */
  #value(sources: readonly Source[], kind: Kind, depth: number): Twin {
    const random = this.#random;
    const having = sources.filter((source) => this.#hasKind(source, kind));
    if (depth <= 0 || random.chance(0.4)) {
      if (having.length > 0 && random.chance(0.85)) return this.#column(random.pick(having), kind);
      const value = this.#constant(kind, false);
      return { sql: literal(value), js: () => value };
    }
    const inner = (): Twin => this.#value(sources, kind, depth - 1);
    const roll = random.next();
    if (roll < 0.2) {
      const [condition, a, b] = [this.#condition(sources, depth - 1), inner(), inner()];
      return {
        sql: when(condition.sql, a.sql).otherwise(b.sql),
        js: (env) => (condition.js(env) === true ? a.js(env) : b.js(env)),
      };
    }
    if (roll < 0.35) {
      const [a, value] = [inner(), this.#constant(kind, false)];
      return { sql: func.coalesce(a.sql, value), js: (env) => a.js(env) ?? value };
    }
    if (kind === "number") return this.#arithmetic(inner(), inner());
    if (kind === "boolean") {
      const condition = this.#condition(sources, depth - 1);
      return { sql: condition.sql, js: condition.js };
    }
    const [a, b] = [inner(), this.#constant(kind, false) as string];
    if (kind === "word" || roll < 0.6) {
      const lowered = func.lower(a.sql as Expression<string>) as Expression;
      return {
        sql: lowered,
        js: (env) => asText(a.js(env))?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null,
      };
    }
    return {
      sql: a.sql.concat(b),
      js: (env) => (a.js(env) === null ? null : `${asText(a.js(env))}${b}`),
    };
  }

  #arithmetic(a: Twin, b: Twin): Twin {
    const random = this.#random;
    const small = random.int(1, 4);
    const both =
      (apply: (x: number, y: number) => number) =>
      (env: Env): Value => {
        const [x, y] = [a.js(env), b.js(env)];
        return x === null || y === null ? null : apply(x as number, y as number);
      };
    const left = a.sql as Expression<number>;
    const right = b.sql as Expression<number>;
    switch (random.int(0, 5)) {
      case 0:
        return { sql: left.add(right), js: both((x, y) => x + y) };
      case 1:
        return { sql: left.sub(right), js: both((x, y) => x - y) };
      case 2:
        return {
          sql: left.mul(small),
          js: (env) => (a.js(env) === null ? null : (a.js(env) as number) * small),
        };
      case 3:
        return { sql: left.sub(left.sub(small)), js: (env) => (a.js(env) === null ? null : small) };
      case 4:
        return {
          sql: func.abs(left),
          js: (env) => (a.js(env) === null ? null : Math.abs(a.js(env) as number)),
        };
      default:
        return { sql: func.nullif(left, small), js: (env) => (a.js(env) === small ? null : a.js(env)) };
    }
  }

  #condition(sources: readonly Source[], depth: number): Twin<Condition> {
    const random = this.#random;
    if (depth > 0 && random.chance(0.35)) {
      const parts = Array.from({ length: random.int(2, 3) }, () => this.#condition(sources, depth - 1));
      const values = (env: Env): Value[] => parts.map((part) => part.js(env));
      if (random.chance(0.5))
        return { sql: and(...parts.map((part) => part.sql)), js: (env) => conjunction(values(env)) };
      return { sql: or(...parts.map((part) => part.sql)), js: (env) => disjunction(values(env)) };
    }
    if (depth > 0 && random.chance(0.15)) {
      const part = this.#condition(sources, depth - 1);
      return { sql: not(part.sql), js: (env) => negation(part.js(env)) };
    }
    const source = random.pick(sources);
    const roll = random.next();
    if (roll < 0.14) return this.#related(source, depth);
    if (roll < 0.2) return this.#inQuery(source);
    if (roll < 0.4) return this.#textual(source);
    if (roll < 0.5) {
      const column = this.#column(source, "boolean");
      if (ATTRIBUTES[source.model]["active"] === undefined) return this.#comparison(sources, depth);
      const value = random.chance(0.5);
      return random.pick<Twin<Condition>>([
        { sql: column.sql as Condition, js: column.js },
        { sql: (column.sql as Column<boolean>).eq(value), js: (env) => equal(column.js(env), value) },
        { sql: (column.sql as Column<boolean>).is(value), js: (env) => column.js(env) === value },
        { sql: (column.sql as Column<boolean>).isNot(value), js: (env) => column.js(env) !== value },
      ]);
    }
    return this.#comparison(sources, depth);
  }

  #comparison(sources: readonly Source[], depth: number): Twin<Condition> {
    const random = this.#random;
    const left = this.#value(sources, "number", depth - 1);
    const column = left.sql as Expression<number>;
    const value = this.#constant("number", false) as number;
    const other = random.chance(0.3)
      ? this.#value(sources, "number", depth - 1)
      : { sql: value, js: (): Value => value };
    const operand = other.sql as number;
    const list = Array.from({ length: random.int(0, 3) }, () => this.#constant("number"));
    const test =
      (apply: (x: number, y: number) => boolean) =>
      (env: Env): Value => {
        const [x, y] = [left.js(env), other.js(env)];
        return x === null || y === null ? null : apply(x as number, y as number);
      };
    const [low, high] = [random.int(-1, 4), random.int(3, 9)];
    const between = (env: Env): Value => {
      const x = left.js(env) as number | null;
      return x === null ? null : x >= low && x <= high;
    };
    const inList = (env: Env): Value => disjunction(list.map((each) => equal(left.js(env), each)));
    return random.pick<Twin<Condition>>([
      { sql: column.eq(operand), js: test((x, y) => x === y) },
      { sql: column.ne(operand), js: test((x, y) => x !== y) },
      { sql: column.lt(operand), js: test((x, y) => x < y) },
      { sql: column.le(operand), js: test((x, y) => x <= y) },
      { sql: column.gt(operand), js: test((x, y) => x > y) },
      { sql: column.ge(operand), js: test((x, y) => x >= y) },
      { sql: column.eq(null), js: (env) => left.js(env) === null },
      { sql: column.isNotNull(), js: (env) => left.js(env) !== null },
      { sql: column.isDistinctFrom(operand), js: (env) => left.js(env) !== other.js(env) },
      { sql: column.isNotDistinctFrom(operand), js: (env) => left.js(env) === other.js(env) },
      { sql: column.in(list as number[]), js: inList },
      { sql: column.notIn(list as number[]), js: (env) => negation(inList(env)) },
      { sql: column.between(low, high), js: between },
      { sql: column.notBetween(low, high), js: (env) => negation(between(env)) },
      {
        sql: column.mod(2).eq(0),
        js: (env) => (left.js(env) === null ? null : (left.js(env) as number) % 2 === 0),
      },
      {
        sql: column.div(2).gt(value),
        js: (env) => (left.js(env) === null ? null : (left.js(env) as number) / 2 > value),
      },
      {
        sql: text(":left < :value", { left: column, value }),
        js: (env) => (left.js(env) === null ? null : (left.js(env) as number) < value),
      },
    ]);
  }

  #textual(source: Source): Twin<Condition> {
    const random = this.#random;
    const isText = this.#hasKind(source, "text") && random.chance(0.7);
    const kind: Kind = isText ? "text" : this.#hasKind(source, "word") ? "word" : "text";
    const column = this.#column(source, kind);
    const c = column.sql as Column<string>;
    const value = this.#constant(kind, false) as string;
    const part = value.slice(random.int(0, 2), random.int(2, 6));
    const list = [value, this.#constant(kind, false) as string];
    const test =
      (apply: (x: string) => boolean) =>
      (env: Env): Value => {
        const x = column.js(env) as string | null;
        return x === null ? null : apply(x);
      };
    return random.pick<Twin<Condition>>([
      { sql: c.eq(value), js: test((x) => x === value) },
      { sql: c.ne(value), js: test((x) => x !== value) },
      { sql: c.in(list), js: test((x) => list.includes(x)) },
      { sql: c.contains(part), js: test((x) => x.includes(part)) },
      { sql: c.startsWith(part), js: test((x) => x.startsWith(part)) },
      { sql: c.endsWith(part), js: test((x) => x.endsWith(part)) },
      { sql: c.like("a%"), js: test((x) => x.startsWith("a")) },
      { sql: c.notLike("%a_b%"), js: test((x) => !/a[\s\S]b/u.test(x)) },
      { sql: func.char_length(c).gt(5), js: test((x) => [...x].length > 5) },
      { sql: func.coalesce(c, "x").eq(value), js: (env) => ((column.js(env) ?? "x") as string) === value },
      { sql: c.concat("!").eq(`${value}!`), js: test((x) => x === value) },
    ]);
  }

  /** EXISTS over a relationship, with a condition on the related rows or without. */
  #related(source: Source, depth: number): Twin<Condition> {
    const random = this.#random;
    const link = random.pick(LINKS[source.model]);
    const target = this.#source(link.target);
    const criterion = random.chance(0.7) ? this.#condition([target], depth - 1) : undefined;
    const relationship = source.c[link.key] as RelationshipExpression<never>;
    const criteria = criterion === undefined ? [] : [criterion.sql];
    const sql = link.toMany ? relationship.any(...criteria) : relationship.has(...criteria);
    const js = (env: Env): Value => {
      const row = env[source.name];
      const related = row ? link.related(row, this.#data) : [];
      return related.some((each) => criterion === undefined || criterion.js({ [target.name]: each }) === true);
    };
    return { sql, js };
  }

  #inQuery(source: Source): Twin<Condition> {
    const random = this.#random;
    const column = this.#column(source, "number");
    const model = random.pick<ModelName>(["User", "Role", "Node"]);
    const inner = this.#source(model);
    const condition = this.#condition([inner], 0);
    const selected = this.#column(inner, "number");
    const values = this.#data[model]
      .map((row): Env => ({ [inner.name]: row }))
      .filter((env) => condition.js(env) === true)
      .map((env) => selected.js(env));
    const query = this.#query(model).filter(condition.sql).withEntities(selected.sql);
    const js = (env: Env): Value => disjunction(values.map((value) => equal(column.js(env), value)));
    const c = column.sql as Column<number>;
    return random.chance(0.6) ? { sql: c.in(query), js } : { sql: c.notIn(query), js: (env) => negation(js(env)) };
  }
}

// ---- SQL's logic of three values ----

function equal(a: Value, b: Value): Value {
  return a === null || b === null ? null : a === b;
}

function negation(value: Value): Value {
  return value === null ? null : !value;
}

function conjunction(values: readonly Value[]): Value {
  return values.includes(false) ? false : values.includes(null) ? null : true;
}

function disjunction(values: readonly Value[]): Value {
  return values.includes(true) ? true : values.includes(null) ? null : false;
}

function compare(a: Value, b: Value, nulls: "first" | "last"): number {
  if (a === b) return 0;
  if (a === null) return nulls === "first" ? -1 : 1;
  if (b === null) return nulls === "first" ? 1 : -1;
  return a < b ? -1 : 1;
}

function asText(value: Value): string | null {
  return value === null ? null : String(value);
}
