import { ArgumentError, nearestName } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import type { Entity } from "./entity";
import type { LoadOption, Shows } from "./query-executor";
import type { LoadRequest, SelectState } from "./select-state";

/** What is to be loaded of one entity: its attributes, and the relationships that options speak of. */
export interface LoadPlan {
  readonly mapper: Mapper;
  readonly path: readonly string[];
  readonly relationship: Relationship | undefined;
  strategy: LoadRequest["strategy"];
  only: readonly string[] | undefined;
  defer: readonly string[] | undefined;
  readonly children: Map<string, LoadPlan>;
}

/** The plans of selected entities, by their places in the select list. */
export type LoadPlans = ReadonlyMap<number, LoadPlan>;

const NO_PLANS: LoadPlans = new Map<number, LoadPlan>();

/**
 * What is loaded of each selected entity that options speak of.
 *
 * @throws {ArgumentError} for an option that speaks of none of them, or of several
 */
export function planSelection({ loads, selection }: SelectState): LoadPlans {
  if (loads.length === 0) return NO_PLANS;
  const selected = selection.flatMap((entry, place) =>
    entry.kind === "entity" ? [{ place, entity: entry.entity, loads: [] as LoadRequest[] }] : [],
  );
  for (const request of loads) {
    // "*" alone is every relationship, of whatever model.
    if (request.path[0] === "*") for (const each of selected) each.loads.push(request);
    else addressee(request, selected)?.loads.push(request);
  }
  const spokenOf = selected.filter((each) => each.loads.length > 0);
  return new Map(spokenOf.map((each) => [each.place, planLoads(each.loads, each.entity.mapper)]));
}

/** The selected entity that an option begins at: the one that its expression names, the only one of that model, or the first. */
function addressee<S extends { readonly entity: Entity }>(
  { entity, path, only, defer }: LoadRequest,
  selected: readonly S[],
): S | undefined {
  const [first, ...further] = selected;
  if (first === undefined || further.length === 0) return first;
  if (entity === undefined) {
    const [key = ""] = path;
    const other = further.find((each) => each.entity.mapper.relationships.has(key));
    if (other === undefined || first.entity.mapper.relationships.has(key)) return first;
    throw new ArgumentError(`Cannot load "${key}": ${first.entity.mapper.name} has no relationship of that name.`, {
      hint: `a name is one of the first model's; begin at the other: ${other.entity.mapper.name}.c.${key}`,
    });
  }
  const named = selected.find((each) => each.entity === entity);
  if (named !== undefined) return named;
  const alike = selected.filter((each) => each.entity.mapper === entity.mapper);
  if (alike.length > 1)
    throw new ArgumentError(`Cannot tell of which ${entity.mapper.name} this option speaks: the query has several.`, {
      hint: "begin at the alias: alias.c.…",
    });
  if (alike[0] !== undefined) return alike[0];
  const key = path[0] ?? [...(only ?? []), ...(defer ?? [])].join(", ");
  throw wrongModel(`${entity.mapper.name}.${key}`, `the query is of ${selected.map(nameOf).join(" and ")}`);
}

function nameOf({ entity }: { readonly entity: Entity }): string {
  return entity.mapper.name;
}

/**
 * Reads loading options into a tree along the relationships of one model.
 *
 * @throws {ArgumentError} for a path that is no relationship of the model
 */
export function planLoads(loads: readonly LoadRequest[], mapper: Mapper): LoadPlan {
  const root = newPlan(mapper, [], undefined);
  for (const request of loads) {
    let plan = root;
    for (const [depth, key] of request.path.entries()) {
      const source = request.sources?.[depth];
      if (source !== undefined && source !== plan.mapper) throw wrongModel(`${source.name}.${key}`, leads(plan));
      if (key === "*") break;
      plan = childOf(plan, key);
      const isEnd = depth === request.path.length - 1;
      // A nested path loads what it passes in the same way, unless another option says how.
      const passes =
        request.strategy === "joined" || request.strategy === "selectin" || request.strategy === "contains";
      if (isEnd ? request.strategy !== undefined : passes && plan.strategy === undefined)
        plan.strategy = request.strategy;
    }
    const { model, only = [], defer = [] } = request;
    if (model !== undefined && model !== plan.mapper)
      throw wrongModel(`${model.name}.${[...only, ...defer].join(", ")}`, leads(plan));
    if (request.only !== undefined) plan.only = checkAttributes(plan.mapper, [...(plan.only ?? []), ...request.only]);
    if (request.defer !== undefined)
      plan.defer = checkAttributes(plan.mapper, [...(plan.defer ?? []), ...request.defer]);
  }
  // What every other option leaves open.
  for (const { path, strategy } of loads)
    if (path.at(-1) === "*")
      spread(
        path.slice(0, -1).reduce((plan, key) => childOf(plan, key), root),
        strategy,
      );
  return root;
}

/** Gives a strategy to the relationships that have none, of the plan's model and of those that are loaded beside it. */
function spread(plan: LoadPlan, strategy: LoadPlan["strategy"]): void {
  for (const key of plan.mapper.relationships.keys()) {
    const child = childOf(plan, key);
    if (child.strategy === undefined) child.strategy = strategy;
    else if (needsKeys(child)) spread(child, strategy);
  }
}

/** Whether rows of the relationship are read. */
function needsKeys({ strategy }: LoadPlan): boolean {
  return strategy === "joined" || strategy === "selectin" || strategy === "contains";
}

function leads({ mapper, path }: LoadPlan): string {
  return path.length === 0 ? `the query is of ${mapper.name}` : `"${path.join(".")}" leads to ${mapper.name}`;
}

function wrongModel(what: string, why: string): ArgumentError {
  return new ArgumentError(`Cannot use ${what} in this option: ${why}.`, {
    hint: 'a path begins at the model of the query: joined("users.role"), loadOnly("users.username")',
  });
}

function newPlan(mapper: Mapper, path: readonly string[], relationship: Relationship | undefined): LoadPlan {
  return { mapper, path, relationship, strategy: undefined, only: undefined, defer: undefined, children: new Map() };
}

function childOf(plan: LoadPlan, key: string): LoadPlan {
  let child = plan.children.get(key);
  if (child === undefined) {
    const relationship = plan.mapper.relationships.get(key);
    if (relationship === undefined) {
      const near = nearestName(key, plan.mapper.relationships.keys());
      throw new ArgumentError(`Cannot load "${key}": ${plan.mapper.name} has no relationship of that name.`, {
        hint:
          near === undefined
            ? `${plan.mapper.name} has ${[...plan.mapper.relationships.keys()].join(", ") || "none"}`
            : `did you mean "${near}"?`,
      });
    }
    child = newPlan(relationship.target, [...plan.path, key], relationship);
    plan.children.set(key, child);
  }
  return child;
}

function checkAttributes(mapper: Mapper, names: readonly string[]): readonly string[] {
  for (const name of names) mapper.attribute(name);
  return names;
}

/** Whether the relationship's rows stand in the rows of the query itself. */
export function isInRow(plan: LoadPlan): boolean {
  return plan.strategy === "joined" || plan.strategy === "contains";
}

/** Whether a joined collection multiplies the rows, so that a LIMIT would count the wrong ones. */
export function multipliesRows(plan: LoadPlan): boolean {
  for (const child of plan.children.values())
    if (child.strategy === "joined" && (child.relationship?.toMany || multipliesRows(child))) return true;
  return false;
}

/** Whether a collection stands in the query's rows, joined by it or by the caller: its members come over several rows. */
export function holdsCollections(plan: LoadPlan): boolean {
  for (const child of plan.children.values())
    if (isInRow(child) && (child.relationship?.toMany || holdsCollections(child))) return true;
  return false;
}

/** The attributes that are selected: those asked for, the primary key, and the keys that further loading needs. */
export function attributesOf(plan: LoadPlan): readonly Attribute[] {
  const { mapper, only, defer } = plan;
  if (only === undefined && defer === undefined) return mapper.attributes;
  const needed = new Set<Attribute>(mapper.primaryKey);
  for (const child of plan.children.values()) {
    const { relationship } = child;
    if (relationship === undefined || !needsKeys(child)) continue;
    needed.add(relationship.kind === "manyToOne" ? relationship.foreignKey : relationship.sourceKey);
  }
  return mapper.attributes.filter(
    (attribute) =>
      needed.has(attribute) || ((only?.includes(attribute.name) ?? true) && !defer?.includes(attribute.name)),
  );
}

/** The loading that is left to further statements, or that forbids them. */
export function remainingLoads(plan: LoadPlan, { withDeleted, unscoped }: Shows): LoadOption[] {
  const loads: LoadOption[] = [];
  const shows = withDeleted || unscoped ? { shows: { withDeleted, unscoped } } : undefined;
  for (const child of plan.children.values()) {
    const { strategy, only, defer } = child;
    const parentIsInRow = plan.relationship === undefined || isInRow(plan);
    if (strategy === "selectin" || strategy === "noload" || strategy === "raiseload")
      loads.push({ path: child.path, strategy, only, defer, ...shows });
    // Below rows of another statement there is nothing to join with: what is joined there is loaded by its own statement.
    else if (strategy !== undefined && !parentIsInRow)
      loads.push({ path: child.path, strategy: "selectin", only, defer, ...shows });
    loads.push(...remainingLoads(child, { withDeleted, unscoped }));
  }
  return loads;
}
