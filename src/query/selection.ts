import type { Model, ModelStatic } from "sequelize";
import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";
import { Mapper } from "../mapper/mapper";
import { Entity } from "./entity";
import { Column, Labelled } from "./expression";
import { Aliased } from "./expressions";
import { sourcesOf } from "./node";
import { nodeOfExpression, selectNode } from "./operand";
import { RelationshipExpression } from "./relationship-expression";
import type { Selection, Source } from "./select-state";
import { stateOfQuery } from "./select-state";
import { Subquery } from "./subquery";

/** A model as `Model.scope(…)` and `Model.unscoped()` make it: a subclass with a scope of its own. */
interface ScopedModel {
  scoped?: boolean;
  _scope?: object;
}

/**
 * The model that rows belong to, and the scope that was chosen for this query.
 *
 * @throws {ArgumentError} for a value that is not an initialised model
 */
export function modelAndScope(model: ModelStatic<Model>): { entity: Entity; scope: object | undefined } {
  let base = model;
  let scope: object | undefined;
  while (typeof base === "function" && Object.hasOwn(base, "scoped") && (base as unknown as ScopedModel).scoped) {
    scope ??= (base as unknown as ScopedModel)._scope;
    base = Object.getPrototypeOf(base) as ModelStatic<Model>;
  }
  return { entity: Entity.of(Mapper.of(base)), scope };
}

/** An entry of a select list, from what a caller may write there. */
export function selectionOf(value: unknown): Selection {
  if (typeof value === "function") return { kind: "entity", entity: modelAndScope(value as ModelStatic<Model>).entity };
  if (value instanceof Aliased) return { kind: "entity", entity: value.entity };
  const node = nodeOfExpression(value);
  if (node !== undefined) {
    const label = value instanceof Labelled || value instanceof Column ? (value.key as string) : labelOf(node);
    return { kind: "value", node, label };
  }
  const state = stateOfQuery(value);
  if (value instanceof Subquery) {
    throw new ArgumentError("Cannot select a subquery as a whole.", {
      hint: `select its columns: subquery.c.${Object.keys(value.c)[0] ?? "…"}, or all of them: ...Object.values(subquery.c)`,
    });
  }
  if (state !== undefined) return { kind: "value", node: selectNode(state, "scalar", "query"), label: undefined };
  if (value instanceof RelationshipExpression) {
    throw new ArgumentError(`Cannot select ${value.relationship.label}: it is a relationship.`, {
      hint: `load it with the objects: .options(joined("${value.key}")), or join it and select ${value.relationship.target.name}`,
    });
  }
  if (typeof value === "string") {
    throw new ArgumentError(
      `Textual column expression ${JSON.stringify(value)} should be explicitly declared with text(${JSON.stringify(value)}).`,
    );
  }
  throw new ArgumentError(`Expected a model, a column or an expression to select, got ${describe(value)}.`);
}

/** A function's value is called as the function, where that hides nothing that every row has. */
function labelOf(node: NonNullable<ReturnType<typeof nodeOfExpression>>): string | undefined {
  return node.kind === "function" && !(node.name in Array.prototype) && /^\w+$/.test(node.name) ? node.name : undefined;
}

/** The tables that a select list speaks of, in order, each once. */
export function sourcesOfSelection(selection: readonly Selection[]): Source[] {
  const sources = new Set<Source>();
  for (const entry of selection) {
    if (entry.kind === "entity") sources.add(entry.entity);
    else sourcesOf(entry.node, sources);
  }
  return [...sources];
}
