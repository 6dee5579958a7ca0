// What a line costs in a long session: at its beginning, after 100 and after 1 000 lines, and the memory then.
//   node bench/length.mjs [lines] [words of a session's name]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const last = Number(process.argv[2] ?? 1000);
const wanted = process.argv.slice(3).join(" ");
/** Lines that are measured together: one alone is less than the clock of processor time can tell. */
const WINDOW = 30;
const shell = resolve(import.meta.dirname, "../dist/shell.js");
const folder = mkdtempSync(join(tmpdir(), "sequelize-shell-bench-"));
const env = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), HOME: folder, NO_COLOR: "1" };

const sessions = {
  "the same query, again and again": { line: () => "User.query.limit(3).count()" },
  "a declaration in each line": {
    line: (n) => `const user${n} = User.query.filterBy({ id: ${(n % 60) + 1} }).first()`,
  },
  "the same query, types checked": { types: true, line: () => "User.query.limit(3).count()" },
  "a declaration in each line, types checked": {
    types: true,
    line: (n) => `const user${n} = User.query.filterBy({ id: ${(n % 60) + 1} }).first()`,
  },
  "a declaration in each line, types checked, those of Node too": {
    types: true,
    first: "process.version",
    line: (n) => `const user${n} = User.query.filterBy({ id: ${(n % 60) + 1} }).first()`,
  },
  "a use of the line before, types checked": {
    types: true,
    line: (n) => (n % 2 === 1 ? `const name${n} = User.query.first().username + ${n}` : `name${n - 1}.length > 3`),
  },
};

/** Milliseconds of processor time of a process so far, its threads included. */
function processorMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(pid, field) {
  return Math.round(
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024,
  );
}

/** Runs a session; its lines come in groups, and each waits for the answer of the one before. */
async function run({ line, types, first = "0" }) {
  const child = spawn(process.execPath, [shell, join(folder, "data.sqlite")], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let answered;
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
    if (/^answered$/m.test(text)) {
      text = "";
      answered();
    }
  });
  let answersAll = false;
  const ended = new Promise((done, fail) => {
    child.on("exit", (code) => (answersAll ? done() : fail(new Error(`the shell ended with exit code ${code}`))));
  });
  const answer = (lines) =>
    new Promise((done, fail) => {
      answered = done;
      ended.catch(fail);
      child.stdin.write(`${lines}\nconsole.log("answered")\n`);
    });
  if (types) await answer(".types warn");
  await answer(first);
  const windows = {};
  for (let n = 1; n <= last + WINDOW; n += WINDOW) {
    const started = processorMs(child.pid);
    const startMs = performance.now();
    await answer(Array.from({ length: WINDOW }, (_, index) => line(n + index)).join("\n"));
    const of = { processor: (processorMs(child.pid) - started) / WINDOW, wall: (performance.now() - startMs) / WINDOW };
    windows[n] = of;
  }
  const memory = residentMb(child.pid, "VmRSS");
  const most = residentMb(child.pid, "VmHWM");
  answersAll = true;
  child.stdin.end();
  await ended;
  const at = (n) =>
    windows[
      Object.keys(windows)
        .map(Number)
        .findLast((start) => start <= n)
    ];
  return { first: at(1), hundred: at(100), last: at(last), memory, most };
}

console.log(`node ${process.version}, processor ms (and ms) for a line and its answer, means of ${WINDOW} lines\n`);
console.log(
  `| session | from line 1 | at line 100 | at line ${last} | ${last} / 1 | ${last} / 100 | memory then | at most |`,
);
console.log("|---|---|---|---|---|---|---|---|");
for (const [name, session] of Object.entries(sessions).filter(([name]) => name.includes(wanted))) {
  const { first, hundred, last: end, memory, most } = await run(session);
  const cell = ({ processor, wall }) => `${processor.toFixed(1)} (${wall.toFixed(1)})`;
  const ratios = [end.processor / first.processor, end.processor / hundred.processor].map((ratio) => ratio.toFixed(2));
  console.log(
    `| ${[name, cell(first), cell(hundred), cell(end), ...ratios, `${memory} MB`, `${most} MB`].join(" | ")} |`,
  );
}
rmSync(folder, { recursive: true });
