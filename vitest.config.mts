import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// The continuous integration reads the counts from a report in JSON.
const report = process.env["VITEST_JSON"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    // Databases and terminals take their time on a small machine; nothing here measures it.
    // Most of the time a test waits for one of them, so that two at once fit on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: "v8", include: ["src/**/*.ts", "shell.ts"] },
  },
});
