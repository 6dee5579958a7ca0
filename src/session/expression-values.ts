import { Utils } from "sequelize";
import type { Attribute } from "../mapper/attribute";
import type { Mapper } from "../mapper/mapper";
import type { Dialect, Statement } from "../driver/dialect";
import { changeParts } from "../query/compile";
import type { Compiler } from "../query/compile";
import { Entity } from "../query/entity";
import { nodeOfExpression } from "../query/operand";
import { toStatement } from "../query/sql-text";

/** Whether a value is an SQL expression, of Sequelize (`fn`, `literal`, `col`) or of this library, that the database computes. */
export function isSqlExpression(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Date) return false;
  return value instanceof SequelizeMethod || nodeOfExpression(value) !== undefined;
}

const { SequelizeMethod } = Utils as unknown as { SequelizeMethod: new () => object };

/** Column and value of a statement for one row. */
export interface Assignment {
  attribute: Attribute;
  value: unknown;
}

/** `INSERT` of one row, with SQL expressions among its values. */
export function insertStatement(dialect: Dialect, mapper: Mapper, values: readonly Assignment[]): Statement {
  const parts = changeParts(dialect, true, Entity.of(mapper), (compiler) => {
    const names = values.map(({ attribute }) => attribute.columnSql).join(", ");
    compiler.write(`INSERT INTO ${mapper.table} (${names}) VALUES (`);
    values.forEach((assignment, i) => {
      if (i > 0) compiler.write(", ");
      writeValue(compiler, mapper, assignment);
    });
    compiler.write(")");
  });
  return toStatement(parts, dialect);
}

/** `UPDATE` of one row, with SQL expressions among its values. */
export function updateStatement(
  dialect: Dialect,
  mapper: Mapper,
  values: readonly Assignment[],
  keys: readonly Assignment[],
): Statement {
  const parts = changeParts(dialect, true, Entity.of(mapper), (compiler) => {
    compiler.write(`UPDATE ${mapper.table} SET `);
    values.forEach((assignment, i) => {
      compiler.write(`${i > 0 ? ", " : ""}${assignment.attribute.columnSql} = `);
      writeValue(compiler, mapper, assignment);
    });
    compiler.write(" WHERE ");
    keys.forEach((assignment, i) => {
      compiler.write(`${i > 0 ? " AND " : ""}${assignment.attribute.columnSql} = `);
      writeValue(compiler, mapper, assignment);
    });
  });
  return toStatement(parts, dialect);
}

function writeValue(compiler: Compiler, mapper: Mapper, { attribute, value }: Assignment): void {
  const node = nodeOfExpression(value);
  if (node !== undefined) compiler.node(node);
  else if (isSqlExpression(value)) compiler.write(sequelizeText(mapper, value));
  else compiler.parameter(attribute.toDatabase(value ?? null));
}

function sequelizeText(mapper: Mapper, value: unknown): string {
  const sequelize = mapper.model.sequelize as unknown as {
    getQueryInterface(): { queryGenerator: { escape(value: unknown): string } };
  };
  return sequelize.getQueryInterface().queryGenerator.escape(value);
}
