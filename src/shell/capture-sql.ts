import type { Database } from "../database";
import { captureStatements } from "../driver/capture";
import { Query } from "../query/query";
import type { CapturedStatement } from "./context";
import { inlineParameters } from "./inline-parameters";

/** What an expression would send, without sending it; a query as its value counts as sent. */
export async function captureSql(
  { dialect }: Database,
  evaluate: () => Promise<unknown>,
): Promise<readonly CapturedStatement[]> {
  const { statements, value } = await captureStatements(evaluate);
  if (statements.length === 0 && value instanceof Query) statements.push(value.toSQL());
  return statements.map(({ sql, parameters }) => ({
    sql: inlineParameters(sql, parameters, dialect),
    template: sql,
    parameters,
  }));
}
