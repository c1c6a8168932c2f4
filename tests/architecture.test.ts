// The walls between the rooms, as a table: who may import whom, and which packages.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Wall {
  /** Folders (or files) of ours that this room may import. */
  readonly rooms: readonly string[];
  /** Packages from npm; `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
  /** Folders of which it may import types only. */
  readonly typesOf?: readonly string[];
}

/** The most specific room that contains a file is its room. */
const walls: Readonly<Record<string, Wall>> = {
  genome: { rooms: ["genome"], packages: ["zod"] },
  operators: { rooms: ["genome", "operators"], packages: ["@tensorflow/tfjs"] },
  workers: { rooms: ["genome", "operators", "workers", "services/platform"], packages: ["node:", "pino"] },
  "workers/engine": {
    rooms: ["genome", "operators", "workers/engine"],
    packages: ["node:", "@tensorflow/tfjs", "onnxruntime-node", "koffi"],
  },
  "workers/mad": { rooms: ["genome", "operators", "workers/engine", "workers/mad"], packages: ["node:"] },
  "services/platform": {
    rooms: ["genome", "services/platform"],
    packages: ["node:", "pg", "pino", "zod", "bullmq", "ioredis"],
  },
  "services/platform/store": {
    rooms: ["genome", "services/platform", "prisma/client"],
    packages: ["node:", "pg", "pino", "zod", "@prisma/adapter-pg"],
  },
  "services/api": {
    rooms: ["genome", "services/api", "services/platform"],
    packages: ["node:", "zod", "fastify", "@fastify/", "fastify-type-provider-zod", "prom-client", "pino"],
  },
  "services/cli": {
    rooms: ["genome", "operators", "workers", "services/api", "services/platform", "services/cli"],
    packages: ["node:", "zod", "commander", "cli-progress", "cli-table3", "pino", "tsx"],
  },
  dashboards: {
    rooms: ["genome", "dashboards"],
    packages: ["preact", "@observablehq/plot"],
    typesOf: ["services/api"],
  },
};

const rooms = ["genome", "operators", "workers", "services", "dashboards"];
const files = rooms.flatMap((room) => sourceFiles(join(root, room)));

describe("walls", () => {
  test("there are files to look at in every room", () => {
    for (const room of Object.keys(walls)) {
      expect(files.filter((file) => isInside(file, room)).length, room).toBeGreaterThan(0);
    }
  });

  test("every import stays inside its room's walls", () => {
    const breaches = files.flatMap(breachesIn);
    expect(breaches).toEqual([]);
  });

  test("an import through a wall would be seen", () => {
    expect(breach("genome/x.ts", { source: "node:fs", typeOnly: false })).toMatch(/genome/);
    expect(breach("services/api/x.ts", { source: "../../workers/worker.ts", typeOnly: true })).toMatch(/workers/);
    expect(breach("dashboards/x.ts", { source: "../services/api/schemas.ts", typeOnly: false })).toMatch(/schemas/);
    expect(breach("dashboards/x.ts", { source: "../services/api/schemas.ts", typeOnly: true })).toBeNull();
  });

  test("genome, operators and simulations use neither the clock nor unseeded randomness", () => {
    const impure = files
      .filter((file) => ["genome", "operators", "workers/simulate"].some((room) => isInside(file, room)))
      .filter((file) => /Math\.random|Date\.now|new Date\(\)|performance\.now/.test(code(file)));
    expect(impure).toEqual([]);
  });
});

interface Import {
  readonly source: string;
  readonly typeOnly: boolean;
}

function breachesIn(file: string): string[] {
  return importsOf(code(file)).flatMap((found) => breach(file, found) ?? []);
}

function breach(file: string, { source, typeOnly }: Import): string | null {
  const room = roomOf(file);
  const wall = walls[room];
  if (!wall) return `${file}: no wall is written for its room`;
  if (!source.startsWith(".")) {
    const allowed = wall.packages.some((name) =>
      name.endsWith(":") || name.endsWith("/")
        ? source.startsWith(name)
        : source === name || source.startsWith(`${name}/`),
    );
    return allowed ? null : `${file}: ${room} may not import ${source}`;
  }
  const target = relative(root, resolve(root, dirname(file), source));
  if (wall.rooms.some((name) => isInside(target, name))) return null;
  if (typeOnly && wall.typesOf?.some((name) => isInside(target, name))) return null;
  if (target.endsWith(".css") || target.endsWith(".svg") || target === "package.json") return null;
  return `${file}: ${room} may not import ${target}`;
}

function importsOf(text: string): Import[] {
  const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?["']([^"']+)["']/g;
  const dynamic = /\bimport\(\s*["']([^"']+)["']/g;
  return [
    ...[...text.matchAll(statement)].map((m) => ({ source: m[2] as string, typeOnly: m[1] !== undefined })),
    ...[...text.matchAll(dynamic)].map((m) => ({ source: m[1] as string, typeOnly: false })),
  ];
}

function roomOf(file: string): string {
  const inside = Object.keys(walls).filter((room) => isInside(file, room));
  return inside.sort((a, b) => b.length - a.length)[0] ?? file;
}

function isInside(file: string, room: string): boolean {
  return file === room || file.startsWith(`${room}/`) || (file === `${room}.ts` && room.includes("/"));
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|tsx|mjs)$/.test(name) && !/(^|\/)(dist|node_modules)\//.test(name))
    .map((name) => relative(root, join(folder, name)));
}

function code(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
