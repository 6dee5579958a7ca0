import type { Model } from "sequelize";
import type { Dialect, Statement } from "../driver/dialect";
import type { Attribute, AttributeKind } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";

/** A column of the result that belongs to an entity: the attribute and the key of the driver's row that holds it. */
export interface EntityColumn {
  attribute: Attribute;
  key: string;
}

/** The part of each result row that becomes a model instance. */
export interface EntitySlot {
  kind: "entity";
  mapper: Mapper;
  /** Selected attributes; a primary key is always among them. */
  columns: readonly EntityColumn[];
  /**
   * The row's keys are exactly the attribute names of this one entity, so the driver's row object may become the
   * instance's values without a copy.
   */
  direct: boolean;
  /** All stored attributes are selected; otherwise the missing ones are "not loaded" on the instance. */
  complete: boolean;
  /** Relationships whose rows stand in the same result row (joined loading). A child whose key columns are all NULL is no row. */
  children: readonly { relationship: Relationship; slot: EntitySlot; alias: string }[];
}

/** The part of each result row that is a plain value. */
export interface ValueSlot {
  kind: "value";
  key: string;
  /** The name under which the value stands in the result tuple; undefined for an unnamed expression. */
  label: string | undefined;
  /** What kind of value it is, where the expression tells. */
  type: AttributeKind | undefined;
  decode: ((raw: unknown) => unknown) | undefined;
}

/** A loading strategy for the relationship at the end of a dotted path from an entity of the result. */
export interface LoadOption {
  path: readonly string[];
  /** The place of the entity among the slots; default the first entity. */
  slot?: number;
  strategy: "joined" | "selectin" | "noload" | "raiseload";
  /** Only these attributes of the entity at the path are loaded (`loadOnly` below the path). */
  only?: readonly string[] | undefined;
  /** These attributes are left out (`defer` below the path). */
  defer?: readonly string[] | undefined;
  /** Which rows that a model hides count: those of the query that asks. */
  shows?: Shows | undefined;
}

/** Which rows that a model hides count all the same: those marked as deleted, and those outside its default scope. */
export interface Shows {
  readonly withDeleted: boolean;
  readonly unscoped: boolean;
}

/** A SELECT ready to be sent, and how its rows are read. */
export interface CompiledSelect extends Statement {
  slots: readonly (EntitySlot | ValueSlot)[];
  /** "entity": the result is the instances of the only slot; "tuple": frozen rows with one element per slot. */
  shape: "entity" | "tuple";
  /** Equal results are given once: instances of an entity result, and tuples whose rows a collection beside them multiplies. */
  unique: boolean;
  /** Values of loaded objects are overwritten, pending changes included. */
  populateExisting: boolean;
  /** Loading that takes further statements, or none, after the rows are there: selectin, noload and raiseload paths. */
  loads: readonly LoadOption[];
}

/** How an executor runs a SELECT. */
export interface SelectOptions {
  /** Pending changes are flushed first; default true. */
  autoflush?: boolean;
}

/** How `get` looks a row up. */
export interface GetOptions extends SelectOptions {
  populateExisting?: boolean;
  loads?: readonly LoadOption[];
  /** The SELECT for a miss: the executor gives the key's canonical values in the order of the primary key. */
  compile: (key: readonly unknown[]) => CompiledSelect;
}

/** How a bulk UPDATE or DELETE keeps the session's objects in step. */
export type Synchronize = "auto" | "evaluate" | "fetch" | false;

/** A bulk UPDATE or DELETE of one model's rows. */
export interface BulkChange {
  kind: "update" | "delete";
  mapper: Mapper;
  /** Builds the statement, after the autoflush. */
  compile: () => Statement;
  /** Builds the SELECT of the primary keys that the statement will match ("fetch"). */
  compileKeys: () => CompiledSelect;
  /**
   * Tells whether an instance of the session matches (given its attribute values), where that can be told without the
   * database; undefined where the criteria cannot be evaluated ("evaluate").
   */
  evaluate: ((values: Readonly<Record<string, unknown>>) => boolean) | undefined;
  /** The attributes that `evaluate` reads: an object of which one is not loaded cannot be judged by it. */
  reads?: ReadonlySet<string>;
  /** update: attribute to new plain value; {@link SERVER_VALUE} where the database computes it. */
  values: ReadonlyMap<Attribute, unknown>;
  synchronize: Synchronize;
  autoflush: boolean;
}

/** Stands for a value that the database computes: the attribute is expired on the objects of the session. */
export const SERVER_VALUE: unique symbol = Symbol("computed by the database");

/** What a query needs of the session that runs it; a Session implements it, so that query/ never imports session/. */
export interface QueryExecutor {
  readonly dialect: Dialect;

  /**
   * Autoflushes, calls `compile` (so that values of objects are read after the flush), sends, and reads the rows: instances
   * through the identity map, or frozen tuples.
   */
  select(compile: () => CompiledSelect, options?: SelectOptions): Promise<unknown[]>;

  /** The same, in batches of about `batch` rows and in bounded memory; leaving the loop early closes the cursor. */
  stream(compile: () => CompiledSelect, options: SelectOptions & { batch: number }): AsyncIterable<unknown>;

  /** The instance with that primary key, from the identity map or the database; null where there is none. */
  getByKey(mapper: Mapper, key: unknown, options: GetOptions): Promise<Model | null>;

  /** Runs a bulk change. @returns the number of rows matched */
  change(change: BulkChange): Promise<number>;

  /** Runs a statement that is not an ORM query (EXPLAIN, raw text) and returns its raw rows. */
  rawRows(compile: () => Statement, options?: SelectOptions): Promise<Record<string, unknown>[]>;
}
