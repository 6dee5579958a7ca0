import type { Mapper } from "../mapper/mapper";

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
      const target = byTable.get(referencedTable(attribute.options.references) ?? "");
      if (target !== undefined) known.get(mapper)?.add(target);
    }
  }
  return (mapper) => known.get(mapper) ?? [];
}

function referencedTable(references: unknown): string | undefined {
  if (typeof references === "string") return references;
  const model = (references as { model?: unknown } | undefined)?.model;
  if (typeof model === "string") return model;
  if (typeof model === "function") {
    const table = (model as unknown as { getTableName(): string | { tableName: string } }).getTableName();
    return typeof table === "string" ? table : table.tableName;
  }
  return (model as { tableName?: string } | undefined)?.tableName;
}
