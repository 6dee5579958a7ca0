import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";
import type { Mapper } from "../mapper/mapper";
import type { Entity } from "./entity";
import { nodeOfExpression } from "./operand";
import { RelationshipExpression } from "./relationship-expression";
import type { LoadRequest } from "./select-state";

/** What a query loads beside its rows, and how; made by {@link joined}, {@link selectin} and their like. */
export class LoadingOption {
  readonly request: LoadRequest;

  constructor(request: LoadRequest) {
    this.request = request;
  }
}

/** A relationship, or a dotted path of relationships: `"users"`, `"users.role"`, `Role.c.users`. */
export type RelationshipPath = string | RelationshipExpression<unknown>;

/** Loads the relationship in the same statement, by a LEFT OUTER JOIN. */
export function joined(...path: RelationshipPath[]): LoadingOption {
  return loading(path, "joined", "joined");
}

/** Loads the relationship of all rows in one further statement. */
export function selectin(...path: RelationshipPath[]): LoadingOption {
  return loading(path, "selectin", "selectin");
}

/** The relationship counts as loaded and empty; nothing is sent. `noload("*")`: each one that no other option loads. */
export function noload(...path: RelationshipPath[]): LoadingOption {
  return loading(path, "noload", "noload");
}

/** Reading the relationship later is an error. `raiseload("*")`: each one that no other option loads. */
export function raiseload(...path: RelationshipPath[]): LoadingOption {
  return loading(path, "raiseload", "raiseload");
}

/** The relationship is filled from the rows of a join that the query makes itself. */
export function containsEager(...path: RelationshipPath[]): LoadingOption {
  return loading(path, "contains", "containsEager");
}

/** Only these attributes are loaded (and the primary key): `loadOnly("id", "username")`, `loadOnly("users.username")`. */
export function loadOnly(...attributes: AttributePath[]): LoadingOption {
  const { names, ...place } = attributesAt(attributes, "loadOnly");
  return new LoadingOption({ ...place, strategy: undefined, only: names });
}

/** These attributes are not loaded. */
export function defer(...attributes: AttributePath[]): LoadingOption {
  const { names, ...place } = attributesAt(attributes, "defer");
  return new LoadingOption({ ...place, strategy: undefined, defer: names });
}

/** An attribute by name, with the path of relationships that leads to it, or a column. */
export type AttributePath = string | { readonly key: string };

function loading(
  parts: readonly RelationshipPath[],
  strategy: NonNullable<LoadRequest["strategy"]>,
  method: string,
): LoadingOption {
  const path: string[] = [];
  const sources: (Mapper | undefined)[] = [];
  for (const part of parts) {
    const isExpression = part instanceof RelationshipExpression;
    if (!isExpression && (typeof part !== "string" || !/^[^.]+(\.[^.]+)*$/.test(part))) {
      throw new ArgumentError(`Expected the name of a relationship in ${method}(), got ${describe(part)}.`, {
        hint: `${method}("users"), ${method}("users.role")`,
      });
    }
    for (const key of isExpression ? [part.key] : part.split(".")) {
      path.push(key);
      sources.push(isExpression ? part.relationship.source : undefined);
    }
  }
  if (path.length === 0) throw new ArgumentError(`Expected the name of a relationship in ${method}().`);
  const star = path.indexOf("*");
  if (star !== -1 && (star < path.length - 1 || (strategy !== "raiseload" && strategy !== "noload"))) {
    throw new ArgumentError(`Cannot use "${path.join(".")}" in ${method}(): relationships are loaded by name.`, {
      hint: '"*" is the end of a path in raiseload("*") and noload("*")',
    });
  }
  const [first] = parts;
  const entity = first instanceof RelationshipExpression ? first.entity : undefined;
  return new LoadingOption({ path, entity, sources, strategy });
}

function attributesAt(
  attributes: readonly AttributePath[],
  method: string,
): { path: string[]; names: string[]; entity: Entity | undefined; model: Mapper | undefined } {
  let entity: Entity | undefined;
  const split = attributes.map((attribute) => {
    const name = typeof attribute === "string" ? attribute : (attribute as { key?: unknown } | null)?.key;
    const node = nodeOfExpression(attribute);
    if (node?.kind === "column") entity ??= node.entity;
    if (typeof name === "string" && name !== "") return name.split(".");
    throw new ArgumentError(`Expected names of attributes in ${method}(), got ${describe(attribute)}.`);
  });
  const [first] = split;
  if (first === undefined) throw new ArgumentError(`Expected names of attributes in ${method}().`);
  const path = first.slice(0, -1);
  if (split.some((parts) => parts.slice(0, -1).join(".") !== path.join(".")))
    throw new ArgumentError(`The attributes in one ${method}() must be of one model.`, {
      hint: `call ${method}() for each`,
    });
  return { path, names: split.map((parts) => parts.at(-1) ?? ""), entity, model: entity?.mapper };
}
