import { runBatch } from "../../src/shell/batch";
import { FakeContext } from "./fake-context";

/** Runs stdin on a fake context, for tests of the process. */
async function main(): Promise<void> {
  const { stdin: input, stdout: output, stderr: errorOutput } = process;
  const ending = await runBatch({ context: new FakeContext(), input, output, errorOutput });
  output.write(`ending: ${ending}\n`, () => process.exit());
}

void main();
