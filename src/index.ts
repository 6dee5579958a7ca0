/**
 * sequelize-shell as a library: SQLAlchemy's session and query on plain Sequelize models.
 */
export { Database, attach, openDatabase } from "./database";
export type { DatabaseOptions, ModelSource, RegisteredModel, RegisteredModels } from "./database";
export type { QueryEvent, QueryListener } from "./driver/connection";
export * from "./errors";
export type { Cascade } from "./mapper/relationship";
export { defineModels } from "./models/define-models";
export type { SampleModels } from "./models/define-models";
export { Role } from "./models/role";
export { User } from "./models/user";
export {
  aliased,
  and,
  asc,
  cast,
  desc,
  func,
  literal,
  not,
  nullsFirst,
  nullsLast,
  or,
  text,
  when,
} from "./query/expressions";
export type { Aliased, Column, Columns, Condition, Expression, RelationshipExpression } from "./query/expressions";
export { containsEager, defer, joined, loadOnly, noload, raiseload, selectin } from "./query/load-options";
export type { AttributeName, Filter, RelationshipName, Relationships } from "./query/model-shape";
export { Pagination } from "./query/pagination";
export type { PaginateOptions } from "./query/pagination";
export { Query } from "./query/query";
export { inspectObject } from "./session/inspect-object";
export { Collection } from "./session/relationships";
export { Result } from "./session/result";
export { Session, makeTransient } from "./session/session";
export type { SessionOptions } from "./session/session";
