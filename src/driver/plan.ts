import type { DriverRow } from "./dialect";

/** One step of a database's plan for a statement, and the steps it takes its rows from. */
export interface PlanNode {
  /** What the step does: `SCAN users`, `Hash Join`. */
  label: string;
  /** Conditions and the names of indexes. */
  detail?: string;
  /** Rows that the step gives: expected, or counted where the statement was run. */
  rows?: number;
  /** The database's own measure of effort. */
  cost?: number;
  /** Time that the step took with all below it, where the statement was run. */
  timeMs?: number;
  children: PlanNode[];
}

type Json = Record<string, unknown>;

/** The rows of `EXPLAIN QUERY PLAN`: steps with the number of the step above. */
export function readSqlitePlan(rows: readonly DriverRow[]): PlanNode {
  const root: PlanNode = { label: "QUERY PLAN", children: [] };
  const nodes = new Map<unknown, PlanNode>([[0, root]]);
  for (const row of rows) {
    const node: PlanNode = { label: String(row["detail"]), children: [] };
    nodes.set(row["id"], node);
    (nodes.get(row["parent"]) ?? root).children.push(node);
  }
  const [only] = root.children;
  return root.children.length === 1 && only !== undefined ? only : root;
}

/** The one row of `EXPLAIN (FORMAT JSON)`. */
export function readPostgresPlan(rows: readonly DriverRow[]): PlanNode {
  const raw = Object.values(rows[0] ?? {})[0];
  const [top] = (typeof raw === "string" ? JSON.parse(raw) : raw) as [Json];
  return postgresNode(top["Plan"] as Json);
}

function postgresNode(step: Json): PlanNode {
  const text = (key: string): string | undefined => (step[key] === undefined ? undefined : String(step[key]));
  const relation = text("Relation Name");
  const alias = text("Alias");
  const strategy = step["Strategy"] === "Hashed" ? "Hash " : step["Strategy"] === "Sorted" ? "Group " : "";
  const join = text("Join Type");
  const type = text("Node Type") ?? "";
  const label =
    strategy +
    (join === undefined || join === "Inner" || !/Join|Nested Loop/.test(type) ? type : `${type} (${join})`) +
    (relation === undefined ? "" : ` on ${relation}${alias === undefined || alias === relation ? "" : ` ${alias}`}`);
  const details = [
    text("Index Name") && `using ${text("Index Name")}`,
    ...["Index Cond", "Hash Cond", "Merge Cond", "Join Filter", "Recheck Cond", "Filter"].map((key) => text(key)),
    step["Sort Key"] === undefined ? undefined : `by ${(step["Sort Key"] as string[]).join(", ")}`,
    step["Group Key"] === undefined ? undefined : `by ${(step["Group Key"] as string[]).join(", ")}`,
  ].filter((part) => part !== undefined && part !== "");
  const loops = Number(step["Actual Loops"] ?? 1);
  const actual = step["Actual Rows"];
  return {
    label,
    ...(details.length > 0 ? { detail: details.join("; ") } : {}),
    rows: actual === undefined ? Number(step["Plan Rows"]) : Math.round(Number(actual) * loops),
    cost: Number(step["Total Cost"]),
    // PostgreSQL tells the time of one loop.
    ...(step["Actual Total Time"] === undefined ? {} : { timeMs: Number(step["Actual Total Time"]) * loops }),
    children: ((step["Plans"] ?? []) as Json[]).map(postgresNode),
  };
}

/** The one row of `EXPLAIN FORMAT=JSON` or `ANALYZE FORMAT=JSON`. */
export function readMysqlPlan(rows: readonly DriverRow[]): PlanNode {
  const raw = Object.values(rows[0] ?? {})[0];
  const { query_block: block = {} } = (typeof raw === "string" ? JSON.parse(raw) : raw) as Json;
  return mysqlBlock(block as Json);
}

function mysqlBlock(block: Json): PlanNode {
  const message = block["message"] ?? (block["table"] as Json | undefined)?.["message"];
  return {
    label: "Query" + (typeof message === "string" ? ` (${message})` : ""),
    ...numbers(block),
    children: mysqlSteps(block),
  };
}

/** Steps around the tables of a block; their key says what they do. */
const STEPS: Record<string, string> = {
  filesort: "Sort",
  ordering_operation: "Sort",
  temporary_table: "Temporary table",
  grouping_operation: "Group",
  duplicates_removal: "Remove duplicates",
  read_sorted_file: "Read sorted",
  materialized: "Materialize",
  buffer_result: "Buffer",
  window_functions_computation: "Window functions",
  windowing: "Window functions",
  union_result: "Union",
  intersect_result: "Intersect",
  except_result: "Except",
};

function mysqlSteps(within: Json): PlanNode[] {
  const nodes: PlanNode[] = [];
  for (const [key, value] of Object.entries(within)) {
    if (typeof value !== "object" || value === null) continue;
    if (key === "table") nodes.push(mysqlTable(value as Json));
    else if (key === "block-nl-join")
      nodes.push(...mysqlSteps(value as Json).map((node) => ({ ...node, label: `${node.label} (join buffer)` })));
    else if (key === "query_block") nodes.push(mysqlBlock(value as Json));
    else if (Array.isArray(value)) {
      const items = value.filter((item): item is Json => typeof item === "object" && item !== null);
      const inner = items.flatMap(mysqlSteps);
      const isJoin = key === "nested_loop" && inner.length > 1;
      nodes.push(...(isJoin ? [{ label: "Nested loop", children: inner }] : inner));
    } else {
      const label = STEPS[key];
      if (label !== undefined) nodes.push(mysqlStep(label, value as Json));
      else if (key === "subqueries" || key.endsWith("subqueries") || key === "expression_cache")
        nodes.push(...mysqlSteps(value as Json));
    }
  }
  return nodes;
}

function mysqlStep(label: string, step: Json): PlanNode {
  const by = step["sort_key"];
  const rows = step["r_output_rows"];
  return {
    label,
    ...(typeof by === "string" ? { detail: `by ${by}` } : {}),
    ...numbers(step),
    ...(rows === undefined ? {} : { rows: Number(rows) }),
    children: mysqlSteps(step),
  };
}

const ACCESS: Record<string, string> = {
  ALL: "Scan",
  index: "Index scan",
  range: "Range",
  ref: "Lookup",
  ref_or_null: "Lookup",
  eq_ref: "Unique lookup",
  const: "One row",
  system: "One row",
  index_merge: "Index merge",
  fulltext: "Full text",
};

function mysqlTable(table: Json): PlanNode {
  const access = String(table["access_type"] ?? "");
  const key = table["key"];
  const condition = table["attached_condition"];
  const details = [
    typeof key === "string" ? `using ${key}` : undefined,
    typeof condition === "string" ? condition.replaceAll("`", "") : undefined,
  ].filter((part) => part !== undefined);
  return {
    label: `${ACCESS[access] ?? access} on ${String(table["table_name"] ?? "")}`.trim(),
    ...(details.length > 0 ? { detail: details.join("; ") } : {}),
    ...numbers(table),
    children: mysqlSteps(table),
  };
}

function numbers(step: Json): Pick<PlanNode, "rows" | "cost" | "timeMs"> {
  // The rows that were read, less those that its condition left out.
  const read = step["r_rows"] ?? step["rows"] ?? step["rows_produced_per_join"];
  const share = Number((step["r_rows"] === undefined ? step["filtered"] : step["r_filtered"]) ?? 100) / 100;
  const rows = read === undefined ? undefined : Number(read) * share;
  const cost =
    (step["cost_info"] as Json | undefined)?.["query_cost"] ??
    (step["cost_info"] as Json | undefined)?.["prefix_cost"] ??
    step["cost"];
  const time = step["r_total_time_ms"] ?? step["r_table_time_ms"];
  return {
    ...(rows === undefined ? {} : { rows: Math.round(rows) }),
    ...(cost === undefined ? {} : { cost: Number(cost) }),
    ...(time === undefined ? {} : { timeMs: Number(time) }),
  };
}
