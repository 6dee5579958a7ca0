import type { Connection } from "../driver/connection";
import type { Bindable } from "../driver/dialect";
import { InvalidRequestError, StaleDataError } from "../errors";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Relationship } from "../mapper/relationship";
import { explainFailure } from "./culprit";
import type { AssociationPair, AssociationStep } from "./flush-steps";
import { defaultOf } from "./insert-values";
import type { InstanceState } from "./instance-state";

/** Inserts or deletes rows of an association table. */
export async function writeAssociations(connection: Connection, step: AssociationStep, now: Date): Promise<void> {
  const { relationship } = step;
  const { through } = relationship;
  if (through === undefined) throw new InvalidRequestError(`${relationship.label} has no association table.`);
  if (step.kind === "associate") {
    await associate(connection, through, relationship, step.pairs, now);
    return;
  }
  await dissociateOwners(
    connection,
    through,
    relationship,
    step.pairs.filter(({ target }) => target === undefined),
  );
  await dissociate(
    connection,
    through,
    relationship,
    step.pairs.filter(({ target }) => target !== undefined),
  );
}

async function associate(
  connection: Connection,
  through: Mapper,
  relationship: Relationship,
  pairs: readonly AssociationPair[],
  now: Date,
): Promise<void> {
  const extra = extraColumns(through, relationship, now);
  const columns = [relationship.foreignKey, relationship.otherKey, ...extra.map(({ attribute }) => attribute)];
  const rows = pairs.map((pair) => [
    ...pairKey(relationship, pair),
    ...extra.map(({ attribute, make }) => attribute.toDatabase(make())),
  ]);
  try {
    await connection.dialect.insert(connection, {
      table: through.table,
      tableName: through.tableName,
      columns: columns.map(({ bulk }) => bulk),
      rows,
    });
  } catch (error) {
    throw explainFailure(error, "insert", undefined, through, []);
  }
}

/** What a row of the association table has beside its two keys: fixed values, defaults, timestamps. */
function extraColumns(
  through: Mapper,
  relationship: Relationship,
  now: Date,
): { attribute: Attribute; make: () => unknown }[] {
  const columns: { attribute: Attribute; make: () => unknown }[] = [];
  const fixed = throughScope(relationship);
  for (const attribute of through.attributes) {
    if (attribute === relationship.foreignKey || attribute === relationship.otherKey) continue;
    const { name } = attribute;
    if (fixed[name] !== undefined) columns.push({ attribute, make: () => fixed[name] });
    else if (attribute === through.createdAt || attribute === through.updatedAt)
      columns.push({ attribute, make: () => now });
    else if (defaultOf(through, attribute) !== undefined)
      columns.push({ attribute, make: () => defaultOf(through, attribute) });
  }
  return columns;
}

function throughScope(relationship: Relationship): Record<string, unknown> {
  const { through } = relationship.association as unknown as { through?: { scope?: Record<string, unknown> } };
  return through?.scope ?? {};
}

async function dissociate(
  connection: Connection,
  through: Mapper,
  relationship: Relationship,
  pairs: readonly AssociationPair[],
): Promise<void> {
  if (pairs.length === 0) return;
  const matched = await connection.dialect.delete(connection, {
    table: through.table,
    keys: [relationship.foreignKey.bulk, relationship.otherKey.bulk],
    rows: pairs.map((pair) => pairKey(relationship, pair)),
  });
  if (matched >= pairs.length) return;
  throw new StaleDataError(
    `DELETE statement on table '${through.tableName}' expected to delete ${pairs.length} row(s); Only ${matched} were matched.`,
    { table: through.tableName, expected: pairs.length, matched },
  );
}

/** Every row of owners that are deleted, or whose row goes. */
async function dissociateOwners(
  connection: Connection,
  through: Mapper,
  relationship: Relationship,
  pairs: readonly AssociationPair[],
): Promise<void> {
  if (pairs.length === 0) return;
  await connection.dialect.delete(connection, {
    table: through.table,
    keys: [relationship.foreignKey.bulk],
    rows: pairs.map(({ owner }) => [keyOf(owner, relationship.foreignKey, relationship.sourceKey)]),
  });
}

function pairKey(relationship: Relationship, { owner, target }: AssociationPair): Bindable[] {
  return [
    keyOf(owner, relationship.foreignKey, relationship.sourceKey),
    keyOf(target as InstanceState, relationship.otherKey, relationship.targetKey),
  ];
}

function keyOf(state: InstanceState, foreignKey: Attribute, referred: Attribute): Bindable {
  return foreignKey.toDatabase(state.instance.dataValues[referred.name] ?? null);
}
