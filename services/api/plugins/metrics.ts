// Prometheus metrics. Labels take values from fixed lists only: states, reasons, route patterns, never ids or names.
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Api, ApiOptions } from "../api.ts";

export interface Metrics {
  readonly contentType: string;
  /** Text for Prometheus. Without the database, what the process knows by itself. */
  read(): Promise<string>;
}

export function measure(app: Api, { store, queues, log }: ApiOptions, streams: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureRequests(app, registry);
  new Gauge({
    name: "starling_event_streams",
    help: "Open event streams of this process",
    registers: [registry],
    collect() {
      this.set(streams());
    },
  });
  const service = serviceGauges(registry);
  const queueDepth = gauge(registry, "queue_entries", "Entries of the queues", ["queue", "state"]);

  async function refresh(): Promise<void> {
    const [counts, depths] = await Promise.allSettled([store.serviceCounts(), queues.counts()]);
    service.up.set({ part: "database" }, counts.status === "fulfilled" ? 1 : 0);
    service.up.set({ part: "queue" }, depths.status === "fulfilled" ? 1 : 0);
    // What is not known is left out; an old value would look like a fresh one.
    service.reset();
    if (counts.status === "fulfilled") service.set(counts.value);
    else log.warn({ err: counts.reason }, "metrics without the database");
    queueDepth.reset();
    if (depths.status === "fulfilled") {
      for (const [queue, { waiting, active }] of Object.entries(depths.value)) {
        queueDepth.set({ queue, state: "waiting" }, waiting);
        queueDepth.set({ queue, state: "active" }, active);
      }
    }
  }

  return {
    contentType: registry.contentType,
    async read() {
      await refresh();
      return registry.metrics();
    },
  };
}

function measureRequests(app: Api, registry: Registry): void {
  const durations = new Histogram({
    name: "starling_http_request_duration_seconds",
    help: "Time until an answer was sent; event streams count when they end",
    labelNames: ["method", "route", "status"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.is404 ? "unknown" : (request.routeOptions.url ?? "unknown");
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
}

type Counts = Awaited<ReturnType<ApiOptions["store"]["serviceCounts"]>>;

function serviceGauges(registry: Registry) {
  const byState = {
    searches: gauge(registry, "searches", "Searches that are not deleted", ["state"]),
    candidates: gauge(registry, "candidates", "Candidates of searches that are not deleted", ["state"]),
    evaluations: gauge(registry, "evaluations", "Evaluations of searches that are not deleted", ["state"]),
    workers: gauge(registry, "workers", "Workers heard of within a day", ["state"]),
  } as const;
  const failures = gauge(registry, "evaluations_failed", "Failed evaluations", ["reason"]);
  const plain = {
    diverged: gauge(registry, "evaluations_diverged", "Complete evaluations whose training diverged"),
    reused: gauge(registry, "evaluations_reused", "Evaluations that took over an equal one's result"),
    trainSeconds: gauge(registry, "train_seconds", "Seconds of training paid for"),
    oldestWaitingSeconds: gauge(registry, "oldest_waiting_seconds", "Age of the oldest waiting evaluation"),
  } as const;
  return {
    up: gauge(registry, "up", "Whether the service reaches its parts", ["part"]),
    reset() {
      for (const one of [...Object.values(byState), failures, ...Object.values(plain)]) one.reset();
    },
    set(counts: Counts) {
      for (const [name, states] of Object.entries(byState)) {
        for (const [state, count] of Object.entries(counts[name as keyof typeof byState])) states.set({ state }, count);
      }
      for (const [reason, count] of Object.entries(counts.failures)) failures.set({ reason }, count);
      for (const [name, one] of Object.entries(plain)) one.set(counts[name as keyof typeof plain]);
    },
  };
}

function gauge<Label extends string>(registry: Registry, name: string, help: string, labelNames: Label[] = []) {
  return new Gauge({ name: `starling_${name}`, help, labelNames, registers: [registry] });
}
