// The environment, read and checked once at the start of a process. What a search optimises is not here: that is its
// SearchConfig.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { AppError } from "./errors.ts";
import { packagePath } from "./package-folder.ts";

const wholeNumber = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const seconds = (min: number, max: number) => z.coerce.number<string>().min(min).max(max);
const list = <Item extends z.ZodType<string, string>>(item: Item) =>
  z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    )
    .pipe(z.array(item));
const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.replace(":", "")), {
    error: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
  });

const variables = {
  /** Any Postgres from 13 on. Unset: the embedded one. */
  DATABASE_URL: url("postgres", "postgresql").optional(),
  /** Any Redis from 6.2 on. Unset: queues in Postgres. */
  REDIS_URL: url("redis", "rediss").optional(),
  /** Connections of one process's store; its queues and events take a few more. */
  DATABASE_CONNECTIONS: wholeNumber(2, 1000).default(10),

  HOST: z.string().min(1).default("127.0.0.1"),
  /** 0 takes any free port. */
  PORT: wholeNumber(0, 65535).default(8080),
  /** Names besides its own address under which the API may be called, such as `search.example.org`; behind a proxy, its name. */
  STARLING_HOSTS: list(z.string().regex(/^[a-z0-9.:[\]-]+$/i, "host names with commas between them")),
  /** Addresses or networks of proxies whose X-Forwarded-* headers are believed. */
  STARLING_TRUSTED_PROXIES: list(z.string().regex(/^[0-9a-f.:/]+$/i, "addresses or networks with commas between them")),
  /** Pages that need no API key. */
  STARLING_OPEN_PAGES: list(z.enum(["docs", "metrics"])),
  /** Of one API key. */
  STARLING_REQUESTS_PER_MINUTE: wholeNumber(1, 10_000_000).default(1200),
  /** Of one address; requests without a valid key count too. */
  STARLING_SIGN_INS_PER_MINUTE: wholeNumber(1, 10_000_000).default(30),
  /** Event streams of one API process. */
  STARLING_EVENT_STREAMS: wholeNumber(1, 100_000).default(1000),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  LOG_FORMAT: z.enum(["auto", "json", "pretty"]).default("auto"),

  /** The data folder: embedded database, caches, the first API key. Beside the package unless set. */
  STARLING_HOME: z.string().min(1).optional(),
  /** Evaluations worked on at once; 0 leaves all work to other processes. Half the cores unless set. */
  STARLING_WORKERS: wholeNumber(0, 1024).optional(),
  /** Threads of one evaluation; 0 shares the machine's cores among the workers. */
  STARLING_THREADS: wholeNumber(0, 1024).default(0),
  /** `auto` takes the fastest that this machine has; `starling doctor` lists them. */
  STARLING_ENGINE: z
    .string()
    .regex(/^[a-z0-9-]+$/, "an engine's name, such as auto")
    .default("auto"),
  /** The library of a PJRT plugin; searched for in Python's packages unless set. */
  STARLING_PJRT_PLUGIN: z.string().min(1).optional(),
  /** The part of a GPU's memory that one engine process may take. */
  STARLING_GPU_MEMORY_FRACTION: z.coerce.number<string>().gt(0).max(1).optional(),
  /** Where compiled programs are kept; `programs` in the data folder unless set. */
  STARLING_PROGRAM_CACHE: z.string().min(1).optional(),
  /** Of products and activations; weights are always float32. `auto`: bfloat16 on a GPU through PJRT, else float32. */
  STARLING_PRECISION: z.enum(["auto", "highest", "float32", "bfloat16"]).default("auto"),

  /** Where the command line finds the API. */
  STARLING_URL: url("http", "https").default("http://127.0.0.1:8080"),
  STARLING_API_KEY: z
    .string()
    .regex(/^starling_[\w-]{20,}$/, "a key that begins with starling_")
    .optional(),

  /** Keeps several installations apart in one Redis or Postgres. */
  STARLING_QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/, "up to 31 small letters, digits and _")
    .default("starling"),
  STARLING_LEASE_SECONDS: seconds(1, 3600).default(30),
  /** A worker renews its leases this often: a third of the lease unless set, and always less than half. */
  STARLING_RENEW_SECONDS: seconds(0.2, 1800).optional(),
  STARLING_RECONCILE_SECONDS: seconds(0.2, 3600).default(5),
  /** How long a stopping process lets its evaluations go on before it gives them back. */
  STARLING_DRAIN_SECONDS: seconds(0, 86_400).default(20),
} as const;

export type Variable = keyof typeof variables;
export const variableNames = Object.keys(variables) as Variable[];

/** These may also be given as a file that holds the value, by the name with _FILE. */
export const secretVariables = ["DATABASE_URL", "REDIS_URL", "STARLING_API_KEY"] as const satisfies Variable[];

const environment = z.object(variables).superRefine((env, context) => {
  if ((env.STARLING_RENEW_SECONDS ?? 0) * 2 >= env.STARLING_LEASE_SECONDS) {
    const message = `less than half of STARLING_LEASE_SECONDS, which is ${env.STARLING_LEASE_SECONDS}`;
    context.addIssue({ code: "custom", path: ["STARLING_RENEW_SECONDS"], message });
  }
});

export type Config = ReturnType<typeof loadConfig>;

/** @throws CONFIG_INVALID with a line for every variable that is wrong. An empty variable counts as unset. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  const problems: string[] = [];
  const given = Object.fromEntries(
    variableNames.map((name) => [name, env[name] || readSecretFile(name, env, problems) || undefined]),
  );
  const parsed = environment.safeParse(given);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = path[0] as Variable;
    problems.push(
      `${name}="${withoutSecret(name, given[name] ?? "")}": expected ${message.replace(/^.*: expected /, "")}`,
    );
  }
  if (!parsed.success || problems.length > 0) {
    throw new AppError("CONFIG_INVALID", `the environment is not valid:\n  ${problems.join("\n  ")}`);
  }
  const valid = parsed.data;
  const home = resolve(valid.STARLING_HOME ?? packagePath(".starling"));
  return {
    /** Undefined: start the embedded database in `home`. */
    databaseUrl: valid.DATABASE_URL,
    redisUrl: valid.REDIS_URL,
    databaseConnections: valid.DATABASE_CONNECTIONS,
    host: valid.HOST,
    port: valid.PORT,
    hosts: valid.STARLING_HOSTS,
    trustedProxies: valid.STARLING_TRUSTED_PROXIES,
    openPages: valid.STARLING_OPEN_PAGES,
    requestsPerMinute: valid.STARLING_REQUESTS_PER_MINUTE,
    signInsPerMinute: valid.STARLING_SIGN_INS_PER_MINUTE,
    eventStreams: valid.STARLING_EVENT_STREAMS,
    logLevel: valid.LOG_LEVEL,
    logFormat: valid.LOG_FORMAT,
    home,
    workers: valid.STARLING_WORKERS ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    threads: valid.STARLING_THREADS,
    engine: valid.STARLING_ENGINE,
    engineSettings: {
      plugin: valid.STARLING_PJRT_PLUGIN,
      memoryFraction: valid.STARLING_GPU_MEMORY_FRACTION,
      cacheFolder: resolve(valid.STARLING_PROGRAM_CACHE ?? join(home, "programs")),
      precision: valid.STARLING_PRECISION,
    },
    url: valid.STARLING_URL,
    apiKey: valid.STARLING_API_KEY,
    queuePrefix: valid.STARLING_QUEUE_PREFIX,
    leaseSeconds: valid.STARLING_LEASE_SECONDS,
    renewSeconds: valid.STARLING_RENEW_SECONDS ?? valid.STARLING_LEASE_SECONDS / 3,
    reconcileSeconds: valid.STARLING_RECONCILE_SECONDS,
    drainSeconds: valid.STARLING_DRAIN_SECONDS,
  } as const;
}

function readSecretFile(
  name: Variable,
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): string | undefined {
  const path = env[`${name}_FILE`];
  if (!path || !secretVariables.some((secret) => secret === name)) return undefined;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    problems.push(`${name}_FILE="${path}": expected a readable file (${(error as Error).message})`);
    return undefined;
  }
}

/** Enough to recognise the value by, and nothing of a password or a key. */
function withoutSecret(name: Variable, value: string): string {
  if (name === "STARLING_API_KEY") return `${value.slice(0, 4)}...`;
  return value.replace(value.includes("//") ? /\/\/.*@/ : /^.*@/, (found) =>
    found.startsWith("//") ? "//...@" : "...@",
  );
}
