// What browsers are told to refuse on our behalf, and the names under which the service answers at all.
import helmet from "@fastify/helmet";
import { AppError } from "../../platform/errors.ts";
import type { Api, ApiConfig } from "../api.ts";

export async function protectBrowsers(app: Api, config: ApiConfig): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Charts set styles on what they draw.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", "data:", "blob:"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: "deny" },
    referrerPolicy: { policy: "no-referrer" },
    // Whether this name is always served by TLS is known to the proxy in front, not here.
    strictTransportSecurity: false,
  });
  // What is asked with a key is kept by nobody on the way; the dashboard's files say otherwise for themselves.
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "no-store");
  });
  answerToOwnNames(app, config);
}

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Against DNS rebinding: a service bound to this machine answers to this machine's names and to those in `hosts`. One
 * that is bound to a public address answers to every name, unless `hosts` says otherwise.
 */
function answerToOwnNames(app: Api, { host, hosts }: ApiConfig): void {
  if (!isLoopback(host) && hosts.length === 0) return;
  const names = new Set([...loopbackNames, host, ...hosts].map((name) => name.toLowerCase()));
  app.addHook("onRequest", async (request) => {
    if (names.has(request.hostname.toLowerCase()) || names.has(request.host.toLowerCase())) return;
    throw new AppError("HOST_REFUSED", `"${request.host}" is not one of this service's names (STARLING_HOSTS)`);
  });
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
