import { expect, it } from "vitest";
import type { PlanNode } from "../../src/driver/plan";
import { describeQueries } from "./fixture";

const labels = (node: PlanNode): string[] => [node.label, ...node.children.flatMap(labels)];

describeQueries("explain()", (fixture) => {
  it("gives the plan as a tree of steps and runs nothing", async () => {
    const { User, sent } = fixture;
    const plan = await User.query.join("role").filter(User.c.id.gt(1)).orderBy("username").explain();
    expect(sent()).toHaveLength(1);
    expect(sent()[0]).toMatch(/^EXPLAIN/);
    const all = labels(plan);
    expect(all.some((label) => /users/.test(label))).toBe(true);
    expect(all.some((label) => /roles/.test(label))).toBe(true);
    expect(all.some((label) => /sort|order by|temporary/i.test(label))).toBe(true);
    expect(plan.timeMs).toBeUndefined();
  });

  it("runs the query when asked to, and tells time and rows", async () => {
    const { User, Role } = fixture;
    const plan = await User.query.filter(User.c.age.ge(25)).explain({ analyze: true });
    expect(plan.timeMs).toBeGreaterThan(0);
    const rows = (node: PlanNode): (number | undefined)[] => [node.rows, ...node.children.flatMap(rows)];
    expect(rows(plan)).toContain(4);
    const nested = await Role.query
      .filter(Role.c.users.any({ active: true }))
      .union(Role.query.limit(1))
      .explain({ analyze: true });
    expect(labels(nested).length).toBeGreaterThan(1);
  });
});
