import { describe } from "../driver/dialect";
import { ArgumentError } from "../errors";
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
  return new LoadingOption({ path: pathOf(path, "joined"), strategy: "joined" });
}

/** Loads the relationship of all rows in one further statement. */
export function selectin(...path: RelationshipPath[]): LoadingOption {
  return new LoadingOption({ path: pathOf(path, "selectin"), strategy: "selectin" });
}

/** The relationship counts as loaded and empty; nothing is sent. */
export function noload(...path: RelationshipPath[]): LoadingOption {
  return new LoadingOption({ path: pathOf(path, "noload"), strategy: "noload" });
}

/** Reading or loading the relationship later is an error. */
export function raiseload(...path: RelationshipPath[]): LoadingOption {
  return new LoadingOption({ path: pathOf(path, "raiseload"), strategy: "raiseload" });
}

/** The relationship is filled from the rows of a join that the query makes itself. */
export function containsEager(...path: RelationshipPath[]): LoadingOption {
  return new LoadingOption({ path: pathOf(path, "containsEager"), strategy: "contains" });
}

/** Only these attributes are loaded (and the primary key): `loadOnly("id", "username")`, `loadOnly("users.username")`. */
export function loadOnly(...attributes: AttributePath[]): LoadingOption {
  const { path, names } = attributesAt(attributes, "loadOnly");
  return new LoadingOption({ path, strategy: undefined, only: names });
}

/** These attributes are not loaded. */
export function defer(...attributes: AttributePath[]): LoadingOption {
  const { path, names } = attributesAt(attributes, "defer");
  return new LoadingOption({ path, strategy: undefined, defer: names });
}

/** An attribute by name, with the path of relationships that leads to it, or a column. */
export type AttributePath = string | { readonly key: string };

function pathOf(parts: readonly RelationshipPath[], method: string): string[] {
  const path = parts.flatMap((part) => {
    if (part instanceof RelationshipExpression) return [part.key];
    if (typeof part === "string" && /^[^.]+(\.[^.]+)*$/.test(part)) return part.split(".");
    throw new ArgumentError(`Expected the name of a relationship in ${method}(), got ${describe(part)}.`, {
      hint: `${method}("users"), ${method}("users.role")`,
    });
  });
  if (path.length === 0) throw new ArgumentError(`Expected the name of a relationship in ${method}().`);
  return path;
}

function attributesAt(attributes: readonly AttributePath[], method: string): { path: string[]; names: string[] } {
  const split = attributes.map((attribute) => {
    const name = typeof attribute === "string" ? attribute : (attribute as { key?: unknown } | null)?.key;
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
  return { path, names: split.map((parts) => parts.at(-1) ?? "") };
}
