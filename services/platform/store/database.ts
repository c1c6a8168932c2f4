// The only place that opens Prisma's client.
import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "../../../prisma/client/client.ts";
import { AppError } from "../errors.ts";

/** The client or one transaction of it. */
export type Queries = Prisma.TransactionClient;

export interface Database {
  readonly queries: PrismaClient;
  /** All or nothing, read committed. Locks are taken in one order everywhere: search, result keys, candidates, events. */
  transaction<T>(run: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openDatabase({ databaseUrl, connections }: { databaseUrl: string; connections: number }): Database {
  const adapter = new PrismaPg({
    connectionString: databaseUrl,
    max: connections,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  const queries = new PrismaClient({ adapter });
  return {
    queries,
    transaction: (run) => queries.$transaction(run, { maxWait: 30_000, timeout: 120_000 }),
    close: () => queries.$disconnect(),
  };
}

/** Turns an error of a lost or refused connection into DATABASE_UNAVAILABLE; other errors stay what they are. */
export function explain(error: unknown): unknown {
  if (error instanceof AppError || !isConnectionLoss(error)) return error;
  return new AppError("DATABASE_UNAVAILABLE", "the database does not answer", { cause: error });
}

/** Prisma's codes for no connection, Postgres's classes 08 and 57P (shutting down), and the socket's own errors. */
function isConnectionLoss(error: unknown): boolean {
  const known = error as { code?: string; meta?: unknown; cause?: unknown; message?: string };
  if (["P1001", "P1002", "P1008", "P1017", "P2024"].includes(known?.code ?? "")) return true;
  const said = `${known?.message ?? ""} ${JSON.stringify(known?.meta ?? "")} ${JSON.stringify(known?.cause ?? "")}`;
  return /ECONNREFUSED|ECONNRESET|EPIPE|57P0[123]|\b08\d{3}\b|Connection terminated|server closed the connection|Can't reach database|timeout exceeded when trying to connect|DatabaseNotReachable|ConnectionClosed|the database system is/.test(
    said,
  );
}

/** Text values for `= ANY($1)` on one of our enums. */
export function enumList(values: readonly string[], type: "EvaluationState" | "SearchState"): Prisma.Sql {
  return Prisma.sql`CAST(${[...values]}::text[] AS ${Prisma.raw(`"${type}"[]`)})`;
}
