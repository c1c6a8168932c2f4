// One line in the log for each answer, and one id for each request: in the log, in the answer, in a problem.
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Api } from "../api.ts";

/** A proxy's id is kept where it looks like one. */
export function requestId({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID();
}

export function logRequests(app: Api): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    const { method, url, ip } = request;
    const ms = Math.round(reply.elapsedTime);
    const isRoutine = request.routeOptions.config?.routine === true && reply.statusCode < 500;
    request.log[isRoutine ? "debug" : "info"]({ method, url, ip, status: reply.statusCode, ms }, "request answered");
  });
}
