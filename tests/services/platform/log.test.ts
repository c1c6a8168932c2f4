import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Runs a line of TypeScript with a log, in a process of its own: the log writes to standard error. */
function logging(options: object, line: string) {
  const module = fileURLToPath(new URL("../../../services/platform/log.ts", import.meta.url));
  const script = `
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog(${JSON.stringify(options)}, "tester");
    ${line}`;
  const args = ["--import", "tsx", "--input-type", "module", "--eval", script];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

test("a log line is JSON on standard error, with its ids as fields, and standard output stays clean", () => {
  const { stdout, stderr } = logging(
    { logLevel: "info", logFormat: "json" },
    'log.child({ searchId: "s" }).info({ evaluationId: "e" }, "evaluation finished"); log.debug("unseen");',
  );
  expect(stdout).toBe("");
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(JSON.parse(stderr)).toMatchObject({
    ...{ name: "tester", level: 30, searchId: "s", evaluationId: "e", msg: "evaluation finished" },
  });
});

test("secrets are not written", () => {
  const { stderr } = logging(
    { logLevel: "info", logFormat: "json" },
    'log.info({ databaseUrl: "hunter2", apiKey: "hunter2", req: { headers: { authorization: "hunter2", cookie: "hunter2" } } }, "started");',
  );
  expect(stderr).toContain("started");
  expect(stderr).not.toContain("hunter2");
});

test("where there is no terminal, auto means JSON; pretty can be asked for", () => {
  expect(() => JSON.parse(logging({ logLevel: "info", logFormat: "auto" }, 'log.info("x");').stderr)).not.toThrow();
  const { stderr } = logging({ logLevel: "info", logFormat: "pretty" }, 'log.info("readable");');
  expect(stderr).toMatch(/INFO.*readable/);
});
