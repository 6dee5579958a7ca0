import { Random } from "../migrations/random-models";

/** A CREATE TABLE statement written at random in every way that SQLite takes. */
export function randomCreateTable(seed: number): string {
  return new TableWriter(new Random(seed * 104729)).table();
}

const WORDS = [
  "a",
  "B",
  "na me",
  'q"q',
  "it's",
  "x,y",
  "(odd)",
  "select",
  "größe",
  "order",
  "tab\tbed",
  "[b]",
  "--no",
  "/*",
  "GENERATED",
  "ALWAYS",
];
const TYPES = [
  "INTEGER",
  "int",
  "VARCHAR(20)",
  "varchar ( 20 )",
  "DECIMAL(10,2)",
  "DOUBLE PRECISION",
  "TEXT",
  "BLOB",
  "",
  '"Odd Type"',
  "unsigned big int",
  "NVARCHAR(100 )",
  "DATETIME",
  "FLOAT(3, 4)",
  "[my type]",
];
const GAPS = [" ", " ", " ", "  ", "\n  ", "\t", " /* c, ( ' */ ", " -- note, it's (\n", "/**/ "];

class TableWriter {
  readonly #random: Random;
  #names: string[] = [];
  #hasKey = false;
  #constraints = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  table(): string {
    const r = this.#random;
    const count = 1 + r.int(6);
    const columns: string[] = [];
    for (let i = 0; i < count; i++) columns.push(this.#column());
    const constraints: string[] = [];
    for (let i = r.int(4); i > 0; i--) constraints.push(this.#tableConstraint());
    // SQLite lets a constraint follow another without a comma.
    const joined = constraints
      .map((text, i) => (i > 0 && r.chance(0.1) ? this.#gap() : `,${this.#gap()}`) + text)
      .join("");
    const suffix = r.chance(0.1) && this.#hasKey && !/AUTOINCREMENT/i.test(columns.join()) ? " WITHOUT ROWID" : "";
    const head = r.pick(["CREATE TABLE", "create table", "CREATE  TABLE"]);
    return `${head} ${this.#quote(`t ${r.int(9)}`)}${this.#maybeGap()}(${this.#maybeGap()}${columns.join(`${this.#maybeGap()},${this.#maybeGap()}`)}${joined}${this.#maybeGap()})${suffix}`;
  }

  #column(): string {
    const r = this.#random;
    let name: string;
    do name = r.pick(WORDS) + (r.chance(0.5) ? String(r.int(50)) : "");
    while (this.#names.some((known) => known.toLowerCase() === name.toLowerCase()));
    this.#names.push(name);
    const type = r.pick(TYPES);
    const parts = [this.#quote(name), ...(type === "" ? [] : [type])];
    const used = new Set<string>();
    for (let i = r.int(4); i > 0; i--) {
      const constraint = this.#columnConstraint(name, used);
      if (constraint !== "") parts.push(constraint);
    }
    return parts.join(this.#gap());
  }

  #columnConstraint(name: string, used: Set<string>): string {
    const r = this.#random;
    const kind = r.pick([
      "notNull",
      "null",
      "unique",
      "check",
      "default",
      "collate",
      "references",
      "primaryKey",
      "generated",
    ]);
    if (
      used.has(kind) ||
      (kind === "generated" && used.has("default")) ||
      (kind === "default" && used.has("generated"))
    )
      return "";
    if ((kind === "notNull" && used.has("null")) || (kind === "null" && used.has("notNull"))) return "";
    if (kind === "generated" && (this.#names.length < 2 || used.has("primaryKey"))) return "";
    if (kind === "primaryKey" && (this.#hasKey || used.has("generated"))) return "";
    used.add(kind);
    const named = r.chance(0.2)
      ? `CONSTRAINT${this.#gap()}${this.#quote(`c${++this.#constraints}`)}${this.#gap()}`
      : "";
    return named + this.#columnConstraintBody(kind, name);
  }

  #columnConstraintBody(kind: string, name: string): string {
    const r = this.#random;
    const conflict = r.chance(0.15) ? `${this.#gap()}ON CONFLICT ${r.pick(["IGNORE", "ABORT", "replace"])}` : "";
    switch (kind) {
      case "notNull":
        return `NOT${this.#gap()}NULL${conflict}`;
      case "null":
        return "NULL";
      case "unique":
        return `UNIQUE${conflict}`;
      case "check":
        return `CHECK${this.#maybeGap()}(${this.#expression(name)})`;
      case "default":
        return `DEFAULT${this.#gap()}${r.pick(["1", "-1", "+1.5", "1e3", "'it''s, ('", "x'00ff'", "NULL", "true", "CURRENT_TIMESTAMP", "(1 + 1)", "( 'a' || ')' )", '"dq"', "current_date"])}`;
      case "collate":
        return `COLLATE ${r.pick(["NOCASE", "binary", '"RTRIM"'])}`;
      case "references":
        return this.#references();
      case "primaryKey":
        this.#hasKey = true;
        return `PRIMARY${this.#gap()}KEY${r.chance(0.2) ? " ASC" : ""}`;
      default: {
        const source = this.#quote(this.#names[0] ?? "");
        return `${r.chance(0.5) ? "GENERATED ALWAYS " : ""}AS (${source} || ', (') ${r.pick(["STORED", "VIRTUAL", ""])}`.trimEnd();
      }
    }
  }

  #tableConstraint(): string {
    const r = this.#random;
    const named = r.chance(0.5) ? `CONSTRAINT ${this.#quote(`c${++this.#constraints}`)} ` : "";
    const columns = r.chance(0.5) ? [r.pick(this.#names)] : [...new Set([r.pick(this.#names), r.pick(this.#names)])];
    const list = columns.map((name) => this.#quote(name)).join(`${this.#maybeGap()},${this.#maybeGap()}`);
    const kind = r.pick(["unique", "check", "foreignKey", "primaryKey"]);
    if (kind === "check" || (kind === "primaryKey" && this.#hasKey))
      return `${named}CHECK (${this.#expression(r.pick(this.#names))})`;
    if (kind === "primaryKey") {
      this.#hasKey = true;
      return `${named}PRIMARY KEY (${list})`;
    }
    if (kind === "unique") return `${named}UNIQUE (${list}${r.chance(0.2) ? " COLLATE NOCASE DESC" : ""})`;
    return `${named}FOREIGN KEY (${list})${this.#gap()}REFERENCES ${this.#quote("p")}${r.chance(0.5) ? ` (${columns.map((_, i) => `k${i}`).join(", ")})` : ""}${this.#actions()}`;
  }

  #references(): string {
    return `REFERENCES${this.#gap()}${this.#quote("p")}${this.#random.chance(0.7) ? " (k0)" : ""}${this.#actions()}`;
  }

  #actions(): string {
    const r = this.#random;
    return [
      r.chance(0.4)
        ? `${this.#gap()}ON DELETE ${r.pick(["SET NULL", "CASCADE", "SET DEFAULT", "NO ACTION", "RESTRICT"])}`
        : "",
      r.chance(0.3) ? `${this.#gap()}ON UPDATE ${r.pick(["CASCADE", "set null"])}` : "",
      r.chance(0.1) ? " MATCH SIMPLE" : "",
      r.chance(0.2) ? r.pick([" DEFERRABLE INITIALLY DEFERRED", " NOT DEFERRABLE", " DEFERRABLE"]) : "",
    ].join("");
  }

  #expression(name: string): string {
    const r = this.#random;
    const column = this.#quote(name);
    return r.pick([
      `${column} > 0`,
      `length(${column}) > 1 AND ${column} <> ', )'`,
      `${column} IN ('a', 'b)', "x")`,
      `${column} IS NOT NULL /* ) */`,
    ]);
  }

  #quote(name: string): string {
    const plain = /^[A-Za-z_]\w*$/.test(name) && !/^(select|order)$/i.test(name);
    const ways = [
      `"${name.replaceAll('"', '""')}"`,
      `\`${name.replaceAll("`", "``")}\``,
      ...(name.includes("]") ? [] : [`[${name}]`]),
      ...(plain ? [name] : []),
    ];
    return this.#random.pick(ways);
  }

  #gap(): string {
    return this.#random.pick(GAPS);
  }

  #maybeGap(): string {
    return this.#random.chance(0.5) ? "" : this.#gap();
  }
}
