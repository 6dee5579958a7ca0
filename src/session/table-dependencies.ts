import type { Mapper } from "../mapper/mapper";
import type { SequelizeTable } from "../mapper/table-name";
import { tableNameOf } from "../mapper/table-name";

/**
 * Which tables a table's rows refer to: by its relationships, by those of other models that lead to it, and by the
 * references that its columns declare.
 */
export function tableDependencies(mappers: readonly Mapper[]): (mapper: Mapper) => Iterable<Mapper> {
  const byTable = new Map(mappers.map((mapper) => [mapper.tableName, mapper]));
  const known = new Map<Mapper, Set<Mapper>>(mappers.map((mapper) => [mapper, new Set()]));
  for (const mapper of mappers) {
    for (const relationship of mapper.relationships.values()) {
      switch (relationship.kind) {
        case "manyToOne":
          known.get(mapper)?.add(relationship.target);
          break;
        case "manyToMany":
          if (relationship.through !== undefined) {
            known.get(relationship.through)?.add(mapper);
            known.get(relationship.through)?.add(relationship.target);
          }
          break;
        default:
          known.get(relationship.target)?.add(mapper);
      }
    }
    for (const attribute of mapper.attributes) {
      const target = byTable.get(referencedTable(attribute.options.references, mapper) ?? "");
      if (target !== undefined) known.get(mapper)?.add(target);
    }
  }
  return (mapper) => known.get(mapper) ?? [];
}

function referencedTable(references: unknown, { model: { sequelize } }: Mapper): string | undefined {
  if (typeof references === "string") return references;
  const model = (references as { model?: unknown } | undefined)?.model;
  const table =
    typeof model === "function" ? (model as unknown as { getTableName(): SequelizeTable }).getTableName() : model;
  if (typeof table === "string") return table;
  const { tableName } = (table ?? {}) as { tableName?: string };
  return tableName === undefined || sequelize === undefined
    ? undefined
    : tableNameOf(table as SequelizeTable, sequelize).name;
}
