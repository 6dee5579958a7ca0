/**
 * Groups nodes so that each comes after everything it depends on; nodes that depend on each other in a circle share a group.
 *
 * Tarjan's strongly connected components, O(nodes + dependencies). Independent nodes keep their order.
 *
 * @param dependencies  what a node depends on; others than the given nodes are passed over
 */
export function groupInOrder<T>(nodes: readonly T[], dependencies: (node: T) => Iterable<T>): T[][] {
  const known = new Set(nodes);
  const index = new Map<T, number>();
  const low = new Map<T, number>();
  const stack: T[] = [];
  const onStack = new Set<T>();
  const groups: T[][] = [];
  const visit = (node: T): void => {
    const number = index.size;
    index.set(node, number);
    low.set(node, number);
    stack.push(node);
    onStack.add(node);
    for (const next of dependencies(node)) {
      if (!known.has(next)) continue;
      if (!index.has(next)) visit(next);
      if (onStack.has(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== number) return;
    const group = stack.splice(stack.indexOf(node));
    for (const member of group) onStack.delete(member);
    groups.push(group);
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return groups;
}

/**
 * Sorts nodes into levels: each level depends on earlier ones only.
 *
 * O(nodes + dependencies); inside a level the given order is kept.
 *
 * @returns the levels, and in `circular` what depends on itself through others
 */
export function sortIntoLevels<T>(
  nodes: readonly T[],
  dependencies: (node: T) => Iterable<T>,
): { levels: T[][]; circular: T[] } {
  const waiting = new Map<T, number>();
  const dependents = new Map<T, T[]>();
  for (const node of nodes) waiting.set(node, 0);
  for (const node of nodes) {
    for (const dependency of new Set(dependencies(node))) {
      if (!waiting.has(dependency)) continue;
      waiting.set(node, (waiting.get(node) ?? 0) + 1);
      const others = dependents.get(dependency);
      if (others === undefined) dependents.set(dependency, [node]);
      else others.push(node);
    }
  }
  const levels: T[][] = [];
  let level = nodes.filter((node) => waiting.get(node) === 0);
  const position = new Map(nodes.map((node, i) => [node, i]));
  while (level.length > 0) {
    levels.push(level);
    const next: T[] = [];
    for (const node of level) {
      waiting.delete(node);
      for (const dependent of dependents.get(node) ?? []) {
        const left = (waiting.get(dependent) ?? 0) - 1;
        waiting.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    level = next.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
  }
  return { levels, circular: nodes.filter((node) => waiting.has(node)) };
}
