// For whoever watches the process: is it alive, can it work, what does it count.
import { z } from "zod";
import type { AppError } from "../../platform/errors.ts";
import type { Api, ApiOptions } from "../api.ts";
import type { Metrics } from "../plugins/metrics.ts";
import { toAppError } from "../plugins/problems.ts";

const tags = ["Health"];
const machine = { routine: true, rateLimit: false } as const;

const readiness = z.object({
  status: z.enum(["ready", "unready"]),
  /** What cannot be used, and why; empty when ready. */
  reasons: z.array(z.object({ part: z.enum(["database", "queue"]), detail: z.string() })),
});

export function routeHealth(app: Api, { store, queues, config, log }: ApiOptions, metrics: Metrics): void {
  app.get(
    "/healthz",
    {
      schema: {
        ...{ tags, summary: "The process answers", security: [] },
        response: { 200: z.object({ status: z.literal("ok") }) },
      },
      config: { open: true, ...machine },
    },
    async () => ({ status: "ok" as const }),
  );

  app.get(
    "/readyz",
    {
      schema: {
        ...{ tags, summary: "Database and queue take writes", security: [] },
        response: { 200: readiness, 503: readiness },
      },
      config: { open: true, ...machine },
    },
    async (_request, reply) => {
      const parts = { database: store.ping(), queue: queues.ping() };
      const answers = await Promise.all(
        Object.entries(parts).map(async ([part, answer]) => {
          try {
            await withinLimit(answer);
            return [];
          } catch (error) {
            log.warn({ part, err: error }, "not ready");
            return [{ part: part as keyof typeof parts, detail: titleOf(toAppError(error)) }];
          }
        }),
      );
      const reasons = answers.flat();
      if (reasons.length === 0) return { status: "ready" as const, reasons };
      return reply.status(503).header("retry-after", 2).send({ status: "unready", reasons });
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        ...{ tags, summary: "For Prometheus" },
        response: { 200: { description: "Text format 0.0.4", content: { "text/plain": { schema: z.string() } } } },
      },
      config: { ...machine, ...(config.openPages.includes("metrics") && { open: true }) },
    },
    async (_request, reply) => {
      const text = await metrics.read();
      return reply.type(metrics.contentType).serializer(String).send(text);
    },
  );
}

const pingLimitMs = 3000;

async function withinLimit(answer: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${pingLimitMs} ms`)), pingLimitMs);
  });
  await Promise.race([answer, limit]).finally(() => clearTimeout(timer));
}

/** Anybody may read this page, so it says what is wrong but not where the database is. */
function titleOf({ code, title }: AppError): string {
  return code === "INTERNAL" ? `no answer within ${pingLimitMs} ms` : title;
}
