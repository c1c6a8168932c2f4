// The HTTP side of the service as one Fastify instance: safety first, then routes, each in a file of its own.
import cookie from "@fastify/cookie";
import Fastify, { type FastifyBaseLogger, LogController } from "fastify";
import { createSerializerCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import type { Api, ApiOptions } from "./api.ts";
import { requireApiKey } from "./plugins/authentication.ts";
import { bodyLimitBytes, readJsonOnly } from "./plugins/bodies.ts";
import { protectBrowsers } from "./plugins/browser-safety.ts";
import { closePromptly } from "./plugins/closing.ts";
import { serveDashboard } from "./plugins/dashboard.ts";
import { measure } from "./plugins/metrics.ts";
import { describeApi } from "./plugins/openapi.ts";
import { answerProblems, refuseBadUrl, refuseBrokenRequest } from "./plugins/problems.ts";
import { limitRequests } from "./plugins/rate-limit.ts";
import { logRequests, requestId } from "./plugins/request-log.ts";
import { routeCandidates } from "./routes/candidates.ts";
import { routeEvents } from "./routes/events.ts";
import { routeFronts } from "./routes/fronts.ts";
import { routeGenomes } from "./routes/genomes.ts";
import { routeHealth } from "./routes/health.ts";
import { routeOperators } from "./routes/operators.ts";
import { routeSearches } from "./routes/searches.ts";
import { routeSession } from "./routes/session.ts";
import { routeWorkers } from "./routes/workers.ts";
import { validatorCompiler } from "./validation.ts";

/** Everything but listening. The order is that of the hooks: what a request meets first stands first. */
export async function buildApp(options: ApiOptions): Promise<Api> {
  const { config, store, log, dashboardFolder } = options;
  const app: Api = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: requestId,
    trustProxy: config.trustedProxies.length > 0 ? config.trustedProxies : false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: 30_000,
    forceCloseConnections: "idle",
    // What arrives while the server closes is still answered: its parts close after it.
    return503OnClosing: false,
    frameworkErrors: refuseBadUrl,
    clientErrorHandler: refuseBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(createSerializerCompiler());

  listRoutes(app);
  closePromptly(app);
  logRequests(app);
  await protectBrowsers(app, config);
  await app.register(cookie);
  await limitRequests(app, config);
  requireApiKey(app, store, config);
  readJsonOnly(app);
  answerProblems(app);
  await describeApi(app, config);

  let streams = () => 0;
  const metrics = measure(app, options, () => streams());
  routeHealth(app, options, metrics);
  await app.register(
    async (api: Api) => {
      routeSession(api, options);
      routeSearches(api, options);
      routeCandidates(api, options);
      routeFronts(api, options);
      routeGenomes(api);
      routeOperators(api);
      routeWorkers(api, options);
      streams = routeEvents(api, options);
    },
    { prefix: "/api/v1" },
  );
  await serveDashboard(app, dashboardFolder);
  return app;
}

function listRoutes(app: Api): void {
  const table: { method: string; url: string }[] = [];
  app.decorate("routeTable", table);
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) table.push({ method: one, url });
  });
}
