import { escapeControls } from "./escape";
import type { Paint } from "./paint";
import { renderAs } from "./render-as";

/** One step of a database's plan and the steps it takes its rows from. */
export interface PlanNode {
  readonly label: string;
  /** Costs, counts and conditions, shown dim after or below the label. */
  readonly details?: readonly string[];
  readonly children?: readonly PlanNode[];
}

/** How the database would run, or ran, a statement. */
export interface Plan {
  readonly [renderAs]: "plan";
  readonly nodes: readonly PlanNode[];
  /** One dim line below, for example how long it took. */
  readonly note?: string;
}

/** Makes a plan of its outermost steps. */
export function plan(nodes: readonly PlanNode[], note?: string): Plan {
  return { [renderAs]: "plan", nodes, note };
}

/** Draws a plan as a tree, each step below the one that takes its rows. */
export function drawPlan({ nodes }: Plan, paint: Paint): string {
  return nodes.map((node) => drawNode(node, "", "", paint)).join("");
}

/**
 * @param first  what stands before the label: the branch
 * @param other  what stands before the lines below it: the trunk
 */
function drawNode(node: PlanNode, first: string, other: string, paint: Paint): string {
  const children = node.children ?? [];
  const [beside, ...below] = (node.details ?? []).map((detail) => paint.dim(escapeControls(detail)));
  const trunk = paint.dim(children.length > 0 ? "│ " : "  ");
  const label = paint.dim(first) + escapeControls(node.label) + (beside === undefined ? "" : `  ${beside}`);
  const lines = [label, ...below.map((detail) => paint.dim(other) + trunk + detail)];
  const branches = children.map((child, index) => {
    const isLast = index === children.length - 1;
    return drawNode(child, other + (isLast ? "└─ " : "├─ "), other + (isLast ? "   " : "│  "), paint);
  });
  return lines.map((line) => line.trimEnd() + "\n").join("") + branches.join("");
}
