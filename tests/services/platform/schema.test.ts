// The schema, the generated client and the migrations are three descriptions of one database: they must agree.
import { readFileSync } from "node:fs";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Prisma, PrismaClient } from "../../../prisma/client/client.ts";
import { packagePath } from "../../../services/platform/package-folder.ts";
import { openTestDatabase, type TestDatabase } from "../../integration/postgres.ts";

let database: TestDatabase;
let prisma: PrismaClient;

beforeAll(async () => {
  database = await openTestDatabase();
  prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) });
});
afterAll(async () => {
  await prisma.$disconnect();
  await database.close();
});

const schema = readFileSync(packagePath("prisma/schema.prisma"), "utf8");
const blocks = [...schema.matchAll(/^(model|enum) (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, kind, name, body]) => ({
  ...{ kind, name: name!, lines: body!.split("\n").map((line) => line.trim()) },
}));
const enums = blocks.filter(({ kind }) => kind === "enum");
const models = blocks.filter(({ kind }) => kind === "model");

/** Prisma's types as information_schema names them. */
const columnTypes: Record<string, string> = {
  String: "text",
  Int: "int4",
  BigInt: "int8",
  Float: "float8",
  Boolean: "bool",
  Json: "jsonb",
  Bytes: "bytea",
  DateTime: "timestamptz",
};

describe("the migrated database", () => {
  test("is compared with a schema that has something in it", () => {
    expect(models.length).toBeGreaterThanOrEqual(8);
    expect(enums.length).toBeGreaterThanOrEqual(4);
  });

  for (const { name, lines } of models) {
    test(`has the columns of ${name}, with their types, and no others`, async () => {
      const table = lines.find((line) => line.startsWith("@@map"))!.match(/"(\w+)"/)![1];
      const expected = lines.flatMap((line) => {
        const field = line.match(/^(\w+)\s+(\w+)(\[\])?(\?)?/);
        if (field === null) return [];
        const [, property, type, list, optional] = field;
        const column = line.match(/@map\("(\w+)"\)/)?.[1] ?? property;
        const isEnum = enums.some((one) => one.name === type);
        const udt = isEnum ? type : columnTypes[type!];
        if (udt === undefined) return []; // A relation, not a column.
        return [`${column} ${list ? "_" : ""}${udt} ${optional || list ? "YES" : "NO"}`];
      });
      const columns = await database.query<{ column_name: string; udt_name: string; is_nullable: string }>(
        "SELECT column_name, udt_name, is_nullable FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
        [table],
      );
      const actual = columns.map((row) => `${row.column_name} ${row.udt_name} ${row.is_nullable}`);
      expect(actual.sort()).toEqual(expected.sort());
    });
  }

  for (const { name, lines } of enums) {
    test(`has the values of ${name}`, async () => {
      const expected = lines.filter(Boolean).map((line) => line.match(/@map\("([^"]+)"\)/)?.[1] ?? line);
      const values = await database.query<{ value: string }>(
        "SELECT enumlabel AS value FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid WHERE typname = $1 ORDER BY enumsortorder",
        [name],
      );
      expect(values.map(({ value }) => value)).toEqual(expected);
    });
  }

  test("has every table of the schema and Prisma's own, and no others", async () => {
    const tables = await database.query<{ table_name: string }>(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    );
    const expected = models.map(({ lines }) => lines.find((line) => line.startsWith("@@map"))!.match(/"(\w+)"/)![1]);
    expect(tables.map((row) => row.table_name).sort()).toEqual([...expected, "_prisma_migrations"].sort());
  });
});

test("every model can be created, read and deleted through the generated client", async () => {
  // One object a model below; a new model wants one too.
  expect(models).toHaveLength(9);
  const time = new Date("2026-01-02T03:04:05.678Z");
  const search: Prisma.SearchUncheckedCreateInput = {
    ...{ id: "s", name: "n", state: "running", reason: "r", config: { a: [1] }, algorithmState: { b: null } },
    ...{ nextNumber: 2, proposed: 1, told: 1, generation: 3, referencePoint: { score: 0 }, hypervolume: 0.1 + 0.2 },
    ...{ activeSeconds: 1.5, activeSince: time, createdAt: time, startedAt: time, finishedAt: null, deletedAt: null },
    ...{ apiKeyId: "k", idempotencyKey: "i", idempotencyDigest: "d" },
  };
  const candidate: Prisma.CandidateUncheckedCreateInput = {
    ...{ id: "s-0", searchId: "s", number: 0, generation: 0, genome: "g", genomeHash: "h", knownDesign: null },
    ...{ parents: [3, 1], variation: { kind: "mutation" }, parameters: 2 ** 53, stateBytes: 1e-300, flopsPerToken: 1 },
    ...{ feasible: false, state: "failed", outcome: null, reason: "worker_lost", message: "m", score: null },
    ...{ rung: 1, cohort: 2, isFinal: false, rungScores: [0.25, 0.5] },
    ...{ stepMs: 3.5, paidEvaluations: 6, paidFlops: 1e15, deviceSeconds: 2.5 },
    ...{ taskScores: {}, trainSeconds: 0, toldOrder: 0, hypervolume: null, createdAt: time, finishedAt: time },
  };
  const evaluation: Prisma.EvaluationUncheckedCreateInput = {
    ...{ id: "s-0-0", searchId: "s", candidateId: "s-0", position: 0, task: "t", setting: {}, resultKey: "k" },
    ...{ seed: 2n ** 62n, state: "complete", outcome: "diverged", reason: null, message: null, score: 1 / 3 },
    ...{ metrics: {}, curve: [], attempt: 1, fence: 9n, workerId: "w", leaseExpiresAt: null, engine: "e" },
    ...{ rung: 1, stepMs: 3.5, flops: 1e14, deviceSeconds: 1.25 },
    ...{ trainSeconds: 1, reusedFrom: null, createdAt: time, startedAt: time, finishedAt: time },
  };
  const artifact = { id: "a".repeat(64), mediaType: "m", bytes: 3, createdAt: time };
  const chunk = { artifactId: artifact.id, position: 0, content: new Uint8Array([0, 255, 7]) };
  const event = { searchId: null, type: "t", data: { a: 1 }, at: time };
  const apiKey = { id: "k", name: "n", digest: "d", createdAt: time, lastUsedAt: null, revokedAt: null };
  const session = { id: "t", apiKeyId: "k", createdAt: time, expiresAt: time };
  const worker = {
    ...{ id: "w", host: "h", pid: 1, engine: "e", concurrency: 1, startedAt: time, heartbeatAt: time },
    ...{ draining: true, stoppedAt: null },
  };

  expect(await prisma.search.create({ data: search })).toEqual(search);
  expect(await prisma.candidate.create({ data: candidate })).toEqual(candidate);
  expect(await prisma.evaluation.create({ data: evaluation })).toEqual(evaluation);
  expect(await prisma.artifact.create({ data: artifact })).toEqual(artifact);
  expect(await prisma.artifactChunk.create({ data: chunk })).toEqual(chunk);
  expect(await prisma.event.create({ data: event })).toMatchObject({ ...event, id: expect.any(BigInt) });
  expect(await prisma.apiKey.create({ data: apiKey })).toEqual(apiKey);
  expect(await prisma.session.create({ data: session })).toEqual(session);
  expect(await prisma.worker.create({ data: worker })).toEqual(worker);

  expect(await prisma.search.findMany({ include: { candidates: { include: { evaluations: true } } } })).toEqual([
    { ...search, candidates: [{ ...candidate, evaluations: [evaluation] }] },
  ]);
  await prisma.search.delete({ where: { id: "s" } });
  expect(await prisma.evaluation.count()).toBe(0);
  await prisma.artifact.delete({ where: { id: artifact.id } });
  expect(await prisma.artifactChunk.count()).toBe(0);
});

describe("the database itself refuses", () => {
  const plant = (changes: object) => ({
    data: { id: "x", name: "n", config: {}, algorithmState: {}, apiKeyId: "k", ...changes },
  });
  for (const [what, changes] of Object.entries({
    "a running search whose clock stands still": { state: "running" },
    "an ended search without its end": { state: "completed" },
    "more candidates told than proposed": { told: 1 },
  })) {
    test(what, async () => {
      await expect(prisma.search.create(plant(changes))).rejects.toThrow();
    });
  }
});
