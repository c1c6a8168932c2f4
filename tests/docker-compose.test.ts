// What docker-compose.yml and the Dockerfile promise, read as data.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { secretVariables, variableNames } from "../services/platform/config.ts";

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly restart: string;
  readonly volumes: readonly string[];
  readonly stop_grace_period?: string;
  readonly deploy?: { resources: { reservations: { devices: { driver: string; capabilities: string[] }[] } } };
}

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const text = readFileSync(root("docker-compose.yml"), "utf8");
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: object };
const { services } = compose;
const ours = ["api", "worker-cpu", "worker-gpu"] as const;
const theirs = ["postgres", "redis"] as const;

const dockerfile = readFileSync(root("Dockerfile"), "utf8").replaceAll("\\\n", "");
const instructions = dockerfile.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
const stages = new Map<string, string[]>();
for (const line of instructions) {
  const from = line.match(/^FROM (\S+) AS (\S+)$/);
  if (from !== null) stages.set(from[2]!, [line]);
  else [...stages.values()].at(-1)!.push(line);
}

/** A stage's instructions with those of the stages it builds on. */
function lineage(stage: string): string[] {
  const own = stages.get(stage) ?? [];
  const base = own[0]?.match(/^FROM (\S+)/)?.[1] ?? "";
  return stages.has(base) ? [...lineage(base), ...own] : own;
}

describe("docker-compose.yml", () => {
  test("has the five services, and only they", () => {
    expect(Object.keys(services).sort()).toEqual([...ours, ...theirs].sort());
  });

  test("holds no password: each must be given", () => {
    const passwords = text.split("\n").filter((line) => /PASSWORD|AUTH/.test(line) && !line.trim().startsWith("#"));
    expect(passwords.length).toBeGreaterThanOrEqual(5);
    for (const line of passwords) expect(line).toMatch(/\$\{(POSTGRES|REDIS)_PASSWORD:\?[^}]+\}/);
    expect(text).not.toMatch(/_PASSWORD:-/);
  });

  test("sets only variables that the service reads", () => {
    const known = new Set<string>([...variableNames, ...secretVariables.map((name) => `${name}_FILE`)]);
    for (const name of ours) {
      const unknown = Object.keys(services[name]!.environment).filter((variable) => !known.has(variable));
      expect(unknown, name).toEqual([]);
    }
  });

  test("joins every one of our services to both stores, once these are healthy", () => {
    for (const name of ours) {
      const { environment, depends_on, restart } = services[name]!;
      expect(environment.DATABASE_URL).toMatch(/^postgresql:\/\/starling:.*@postgres:5432\/starling$/);
      expect(environment.REDIS_URL).toMatch(/^redis:\/\/.*@redis:6379\/0$/);
      expect(depends_on).toEqual({
        postgres: { condition: "service_healthy" },
        redis: { condition: "service_healthy" },
      });
      expect(restart).toBe("unless-stopped");
    }
  });

  test("asks the stores and the API how they are", () => {
    expect(services.postgres!.healthcheck!.test.join(" ")).toContain("pg_isready");
    expect(services.redis!.healthcheck!.test.join(" ")).toContain("redis-cli ping");
    expect(services.api!.healthcheck!.test.join(" ")).toContain("/readyz");
    for (const { healthcheck } of Object.values(services)) {
      for (const word of healthcheck?.test ?? []) expect(typeof word).toBe("string");
    }
  });

  test("keeps Redis from forgetting: noeviction, an append-only file, a volume", () => {
    const command = services.redis!.command!;
    expect(command[command.indexOf("--maxmemory-policy") + 1]).toBe("noeviction");
    expect(command[command.indexOf("--appendonly") + 1]).toBe("yes");
    expect(services.redis!.volumes).toEqual(["redis:/data"]);
  });

  test("keeps Postgres 18's data where that image expects them", () => {
    expect(services.postgres!.image).toMatch(/^postgres:18\./);
    expect(services.postgres!.volumes).toEqual(["postgres:/var/lib/postgresql"]);
  });

  test("declares every volume it mounts", () => {
    const mounted = Object.values(services).flatMap(({ volumes }) => volumes.map((volume) => volume.split(":")[0]));
    expect(Object.keys(compose.volumes).sort()).toEqual(mounted.sort());
  });

  test("shows the API to this machine only, and the stores to nobody", () => {
    expect(services.api!.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    for (const name of [...theirs, "worker-cpu", "worker-gpu"]) expect(services[name]!.ports).toBeUndefined();
  });

  test("pins the images it does not build", () => {
    for (const name of theirs) expect(services[name]!.image).toMatch(/:\d+\.\d+(\.\d+)?-bookworm$/);
  });

  test("starts the GPU worker only on request, with the GPUs", () => {
    expect(services["worker-gpu"]!.profiles).toEqual(["gpu"]);
    const [device] = services["worker-gpu"]!.deploy!.resources.reservations.devices;
    expect(device).toMatchObject({ driver: "nvidia", capabilities: ["gpu"] });
    for (const name of ["api", "worker-cpu", ...theirs]) expect(services[name]!.profiles).toBeUndefined();
  });

  test("gives a draining worker longer than it takes", () => {
    const { environment, stop_grace_period } = services["worker-cpu"]!;
    expect(Number.parseInt(stop_grace_period!, 10)).toBeGreaterThan(Number(environment.STARLING_DRAIN_SECONDS));
  });
});

describe("the Dockerfile", () => {
  test("has a stage for each of our services", () => {
    for (const name of ours) {
      expect(services[name]!.build).toEqual({ context: ".", target: name });
      expect([...stages.keys()]).toContain(name);
    }
  });

  test("pins every base image", () => {
    const bases = instructions.flatMap((line) => line.match(/^FROM (\S+)/)?.[1] ?? []);
    const foreign = bases.filter((base) => !stages.has(base) && base !== "scratch");
    expect(foreign.length).toBeGreaterThan(2);
    for (const base of foreign) expect(base).toMatch(/:\d+\.\d+\.\d+-[a-z0-9.-]+$/);
  });

  test("runs as an ordinary user", () => {
    for (const name of ours) {
      const users = lineage(name).flatMap((line) => line.match(/^USER (\S+)/)?.[1] ?? []);
      expect(users.at(-1), name).toMatch(/^(node|ubuntu)$/);
    }
  });

  test("installs exactly the lock file, and nothing that an install script fetches", () => {
    const installs = instructions.filter((line) => /npm (ci|i|install)/.test(line));
    expect(installs.length).toBe(2);
    for (const line of installs) expect(line).toContain("npm ci --ignore-scripts");
  });

  test("copies only what there is", () => {
    const copied = instructions.flatMap((line) => line.match(/^COPY (?!--from)(.+) \S+$/)?.[1]?.split(" ") ?? []);
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) expect(existsSync(root(path)), path).toBe(true);
  });

  test("sets only variables that the service reads", () => {
    const set = instructions.flatMap((line) => line.match(/^ENV (.+)$/)?.[1]?.split(" ") ?? []);
    const names = set.map((pair) => pair.split("=")[0]!).filter((name) => !["NODE_ENV", "PATH"].includes(name));
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(variableNames).toContain(name);
  });

  test("leaves secrets, data and builds of this machine out of its context", () => {
    const ignored = readFileSync(root(".dockerignore"), "utf8").split("\n");
    expect(ignored).toEqual(expect.arrayContaining([".env", ".git", ".starling", "**/node_modules", "**/dist"]));
  });
});
