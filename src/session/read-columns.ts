import type { DriverRow, StatementRunner } from "../driver/dialect";
import type { Attribute } from "../mapper/attribute";
import type { InstanceState } from "./instance-state";

/** Reads stored values of one object's row by its key, as the driver gives them, under their column names. */
export async function readColumns(
  runner: StatementRunner,
  state: InstanceState,
  attributes: readonly Attribute[],
): Promise<DriverRow> {
  if (attributes.length === 0) return {};
  const { mapper, instance } = state;
  const { dialect } = mapper;
  const columns = attributes.map(({ columnSql, readAsText }) =>
    readAsText ? `CAST(${columnSql} AS TEXT) AS ${columnSql}` : columnSql,
  );
  const where = mapper.primaryKey
    .map(({ columnSql }, i) => `${columnSql} = ${dialect.placeholder(i + 1)}`)
    .join(" AND ");
  const key = mapper.primaryKey.map((attribute) => attribute.toDatabase(instance.dataValues[attribute.name] ?? null));
  const [row = {}] = await runner.all(`SELECT ${columns.join(", ")} FROM ${mapper.table} WHERE ${where}`, key);
  return row;
}
