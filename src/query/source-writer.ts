import type { Attribute } from "../mapper/attribute";
import type { Entity } from "./entity";
import { criteriaOf } from "./model-scope";
import type { Scope, SelectionKeys, SourceName } from "./scope";
import type { Derived, Join, SelectState, Source } from "./select-state";
import { firstSelect, isCompound, isDerived } from "./select-state";
import type { SqlParts } from "./sql-text";
import { isBoundedOrOrdered } from "./wrapped-state";
import { NodeWriter } from "./write-node";

/** Writes the tables of a SELECT: what stands in FROM and JOIN, under names that nothing else has. */
export abstract class SourceWriter extends NodeWriter {
  #anonymous = 0;

  abstract override select(
    state: SelectState,
    parent: Scope | undefined,
    use: "operand" | "exists" | "derived" | "part",
  ): SelectionKeys;

  /** Writes a table or a derived table as it stands in FROM. */
  protected writeSource(source: Source): void {
    if (isDerived(source)) this.#writeDerived(source);
    else if (source.rows !== undefined) this.#writeDerived(source.rows, source);
    else {
      const { name, prefix } = this.declare(source);
      const { tableName, table } = source.mapper;
      this.write(name === tableName ? table : `${table} AS ${prefix.slice(0, -1)}`);
    }
  }

  /** Gives an entity's table its name in this SELECT; one that has it keeps it. */
  declare(entity: Entity): SourceName {
    const { scope } = this;
    if (scope.has(entity)) return scope.find(entity) as SourceName;
    const { mapper, alias } = entity;
    const name = scope.claim(entity, alias ?? mapper.tableName, alias === undefined && !entity.isModel);
    const source = { name, prefix: `${this.dialect.identifier(name)}.`, keys: undefined, columns: undefined };
    scope.set(entity, source);
    return source;
  }

  /** Writes JOIN and its condition, with the conditions that the model brings along. */
  protected writeJoin(join: Join, state: SelectState): void {
    const { target, outer } = join;
    // The target's name is known to its conditions only when it is written.
    const table = this.capture(() => this.writeSource(target));
    const conditions = isDerived(target) ? [] : criteriaOf(target, state);
    if (join.on !== undefined) conditions.unshift(join.on);
    const isCross = conditions.length === 0 && !outer;
    this.write(isCross ? " CROSS JOIN " : outer ? " LEFT OUTER JOIN " : " JOIN ").append(table);
    if (isCross) return;
    this.write(" ON ");
    this.writeCondition(conditions.length > 0 ? conditions : [{ kind: "constant", value: true }]);
  }

  /** Writes `, ` or CROSS JOIN between the sources of FROM: a comma would tear a JOIN's condition from its tables. */
  protected writeSources(sources: readonly SqlParts[], hasJoins: boolean): void {
    if (sources.length > 0) this.write(" FROM ");
    sources.forEach((source, i) => {
      if (i > 0) this.write(hasJoins ? " CROSS JOIN " : ", ");
      this.append(source);
    });
  }

  /** @param as  the entity whose rows these are */
  #writeDerived(derived: Derived, as?: Entity): void {
    const { scope } = this;
    const alias = as?.alias ?? derived.alias;
    const name = alias === undefined ? this.#anonymousName() : scope.claim(as ?? derived, alias, false);
    const sql = this.dialect.identifier(name);
    this.write("(");
    const keys = this.#compoundOrSelect(derived);
    this.write(`) AS ${sql}`);
    const source = { name, prefix: `${sql}.`, keys, columns: undefined };
    scope.set(derived, source);
    if (as !== undefined) {
      const columns = [...columnsByEntity(derived, keys)].find(([entity]) => entity.mapper === as.mapper)?.[1];
      scope.set(as, { ...source, keys: undefined, columns: columns ?? new Map<Attribute, string>() });
    }
    if (!derived.transparent) return;
    for (const [entity, columns] of columnsByEntity(derived, keys))
      scope.set(entity, { ...source, keys: undefined, columns });
  }

  #anonymousName(): string {
    return `anon_${++this.#anonymous}`;
  }

  #compoundOrSelect({ source, transparent }: Derived): SelectionKeys {
    if (!isCompound(source)) return this.select(source, this.scope.parent, "derived");
    const { ofParts } = this.shows;
    const keys = source.operands.map((part, i) => {
      if (i > 0) this.write(` ${source.operator} `);
      const operand = transparent ? { ...part, ...ofParts, ofParts: { ...part.ofParts, ...ofParts } } : part;
      // A part with an order, a limit or a lock of its own may not stand bare, and not everywhere in brackets.
      const needsWrapping = isBoundedOrOrdered(operand) || (operand.forUpdate && this.dialect.supportsForUpdate);
      if (needsWrapping) this.write("SELECT * FROM (");
      const own = this.select(operand, this.scope.parent, "part");
      if (needsWrapping) this.write(`) AS ${this.#anonymousName()}`);
      return own;
    });
    return keys[0] ?? [];
  }
}

/** The names that the columns of the entities selected inside a derived table have there. */
function columnsByEntity(derived: Derived, keys: SelectionKeys): Map<Entity, ReadonlyMap<Attribute, string>> {
  const found = new Map<Entity, Map<Attribute, string>>();
  const add = (entity: Entity, attribute: Attribute, key: string): void => {
    const columns = found.get(entity) ?? new Map<Attribute, string>();
    found.set(entity, columns.set(attribute, key));
  };
  firstSelect(derived.source).selection.forEach((selection, i) => {
    const key = keys[i];
    if (selection.kind === "entity" && typeof key === "object")
      for (const [attribute, column] of key) add(selection.entity, attribute, column);
    else if (selection.kind === "value" && selection.node.kind === "column" && typeof key === "string")
      add(selection.node.entity, selection.node.attribute, key);
  });
  return found;
}
