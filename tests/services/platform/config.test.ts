import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig, secretVariables, variableNames } from "../../../services/platform/config.ts";
import type { AppError } from "../../../services/platform/errors.ts";
import { packagePath } from "../../../services/platform/package-folder.ts";

function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return (error as AppError).message.split("\n").slice(1);
  }
  return [];
}

describe("an empty environment", () => {
  test("means the embedded database, the queue in it, and this machine only", () => {
    expect(loadConfig({})).toMatchObject({
      ...{ databaseUrl: undefined, redisUrl: undefined, host: "127.0.0.1", port: 8080, apiKey: undefined },
      ...{ logLevel: "info", engine: "auto", threads: 0, leaseSeconds: 30, renewSeconds: 10, reconcileSeconds: 5 },
    });
    expect(loadConfig({}).workers).toBeGreaterThanOrEqual(1);
  });

  test("keeps data beside the package, wherever it was started", () => {
    expect(loadConfig({}).home).toBe(packagePath(".starling"));
    expect(readFileSync(packagePath(".gitignore"), "utf8")).toContain(".starling/");
  });

  test("is what variables without a value mean", () => {
    expect(loadConfig({ DATABASE_URL: "", PORT: "", STARLING_HOME: "" })).toEqual(loadConfig({}));
  });
});

describe("a bad environment", () => {
  test("is refused with every bad variable, its value and what was expected", () => {
    expect(
      problemsOf({
        DATABASE_URL: "mysql://someone:secret@host/db",
        PORT: "http",
        LOG_LEVEL: "loud",
        STARLING_WORKERS: "-1",
        STARLING_QUEUE_PREFIX: "My Prefix",
      }),
    ).toEqual([
      '  DATABASE_URL="mysql://...@host/db": expected a URL that begins with postgres:// or postgresql://',
      expect.stringMatching(/^ {2}PORT="http": expected number/),
      expect.stringMatching(/^ {2}LOG_LEVEL="loud": expected .*"trace".*"silent"/),
      expect.stringMatching(/^ {2}STARLING_WORKERS="-1": expected .*>=0/),
      '  STARLING_QUEUE_PREFIX="My Prefix": expected up to 31 small letters, digits and _',
    ]);
  });

  test("never shows a password or a key", () => {
    const shown = problemsOf({
      REDIS_URL: "rediss+x://:hunter2@host",
      STARLING_API_KEY: "key_hunter2",
      DATABASE_URL: "postgres//user:hunter2@host",
    }).join("\n");
    expect(shown).toContain("REDIS_URL");
    expect(shown).toContain("STARLING_API_KEY");
    expect(shown).not.toContain("hunter2");
    expect(problemsOf({ DATABASE_URL: "user:hunter2@host" }).join()).not.toContain("hunter2");
  });

  test("renews leases too seldom", () => {
    expect(problemsOf({ STARLING_LEASE_SECONDS: "20", STARLING_RENEW_SECONDS: "10" })).toEqual([
      '  STARLING_RENEW_SECONDS="10": expected less than half of STARLING_LEASE_SECONDS, which is 20',
    ]);
    expect(loadConfig({ STARLING_LEASE_SECONDS: "6" }).renewSeconds).toBe(2);
  });
});

describe("the engine", () => {
  test("chooses by itself, computes as fits it, and keeps compiled programs in the data folder", () => {
    expect(loadConfig({ STARLING_HOME: "/data" })).toMatchObject({
      engine: "auto",
      engineSettings: {
        ...{ plugin: undefined, memoryFraction: undefined, precision: "auto" },
        cacheFolder: "/data/programs",
      },
    });
  });

  test("can be told everything", () => {
    const config = loadConfig({
      ...{ STARLING_ENGINE: "pjrt", STARLING_PJRT_PLUGIN: "/opt/plugin.so", STARLING_GPU_MEMORY_FRACTION: "0.4" },
      ...{ STARLING_PROGRAM_CACHE: "/cache", STARLING_PRECISION: "float32" },
    });
    expect(config).toMatchObject({
      engine: "pjrt",
      engineSettings: { plugin: "/opt/plugin.so", memoryFraction: 0.4, cacheFolder: "/cache", precision: "float32" },
    });
  });

  test("is refused a memory that no GPU has and a precision that no engine has", () => {
    expect(problemsOf({ STARLING_GPU_MEMORY_FRACTION: "1.5", STARLING_PRECISION: "float8" })).toEqual([
      expect.stringMatching(/^ {2}STARLING_GPU_MEMORY_FRACTION="1.5": expected .*<=1/),
      expect.stringMatching(/^ {2}STARLING_PRECISION="float8": expected .*"bfloat16"/),
    ]);
    expect(problemsOf({ STARLING_GPU_MEMORY_FRACTION: "0" })).toHaveLength(1);
  });
});

describe("a secret", () => {
  test("may lie in a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "starling-config-"));
    writeFileSync(join(folder, "url"), "postgresql://user:pass@host/db\n");
    expect(loadConfig({ DATABASE_URL_FILE: join(folder, "url") }).databaseUrl).toBe("postgresql://user:pass@host/db");
    rmSync(folder, { recursive: true });
  });

  test("whose file cannot be read is reported", () => {
    for (const name of secretVariables) {
      expect(problemsOf({ [`${name}_FILE`]: "/no/such/file" })).toEqual([
        expect.stringMatching(new RegExp(`^ {2}${name}_FILE="/no/such/file": expected a readable file`)),
      ]);
    }
  });

  test("is one of the variables there are", () => {
    expect(variableNames).toEqual(expect.arrayContaining([...secretVariables]));
  });
});
