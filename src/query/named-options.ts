import { describe } from "../driver/dialect";
import { ArgumentError, nearestName } from "../errors";

/**
 * Checks what a method takes by name.
 *
 * @throws {ArgumentError} for anything but an object, and for a name that the method does not know
 */
export function checkOptions(options: unknown, known: readonly string[], method: string): void {
  if (typeof options !== "object" || options === null)
    throw new ArgumentError(`Expected options by name in ${method}(), got ${describe(options)}.`, {
      hint: `its options are ${known.join(", ")}`,
    });
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, known);
  throw new ArgumentError(`${method}() has no option "${unknown}".`, {
    hint: near === undefined ? `its options are ${known.join(", ")}` : `did you mean "${near}"?`,
  });
}
