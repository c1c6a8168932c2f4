// Who may ask: every route needs an API key unless it says `open`, by a hook at the root that no route can miss.
//
// A key comes in the Authorization header, or as a session whose cookie only this site's pages send. A request that
// changes something and is vouched for by a cookie must also come from one of our pages.
import { createHash } from "node:crypto";
// For the types of cookies on requests and replies.
import type {} from "@fastify/cookie";
import type { FastifyRequest } from "fastify";
import { AppError } from "../../platform/errors.ts";
import type { Store } from "../../platform/store/store.ts";
import type { Api, ApiConfig, Caller } from "../api.ts";

export const sessionCookie = "starling_session";

const keyPattern = /^starling_[\w-]{20,100}$/;
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

type KeyStore = Pick<Store, "verifyApiKey" | "verifySession">;

export function requireApiKey(app: Api, store: KeyStore, { signInsPerMinute }: ApiConfig): void {
  const failures = app.createRateLimit({ max: signInsPerMinute, timeWindow: 60_000, keyGenerator: ({ ip }) => ip });
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config?.open) return;
    request.caller = await identify(request, store);
    if (request.caller === null) {
      const failure = await failures(request);
      if (!failure.isAllowed && failure.isExceeded) {
        reply.header("retry-after", failure.ttlInSeconds);
        throw new AppError("RATE_LIMITED", `too many requests without a valid API key; wait ${failure.ttlInSeconds} s`);
      }
      throw new AppError("UNAUTHORIZED", "send an API key as `Authorization: Bearer starling_...`, or sign in");
    }
    if (request.caller.through === "cookie" && !safeMethods.has(request.method)) refuseOtherSites(request);
  });
}

/** The caller, or null without a valid key or session. A header that is given must be valid; a cookie does not mend it. */
export async function identify(request: FastifyRequest, store: KeyStore): Promise<Caller | null> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    return key === undefined ? null : identifyKey(key, store);
  }
  const token = request.cookies[sessionCookie];
  const session = token === undefined || token === "" ? null : await store.verifySession(token);
  if (session === null) return null;
  const { id, name, digest } = session.apiKey;
  return { keyId: id, name, keyDigest: digest, through: "cookie", expiresAt: session.expiresAt };
}

/** The digest finds the row, so the time this takes tells nothing about any key. */
export async function identifyKey(key: string, store: Pick<Store, "verifyApiKey">): Promise<Caller | null> {
  if (!keyPattern.test(key)) return null;
  const found = await store.verifyApiKey(key);
  if (found === null) return null;
  return { keyId: found.id, name: found.name, keyDigest: digestOf(key), through: "header", expiresAt: null };
}

/** Browsers say where a request comes from; without a word from them a cookie proves nothing. */
export function refuseOtherSites(request: FastifyRequest): void {
  const { origin, "sec-fetch-site": site } = request.headers;
  if (site === "same-origin") return;
  if (site === undefined && origin !== undefined && isOwnOrigin(origin, request.host)) return;
  const from = site === undefined ? (origin ?? "an unnamed origin") : `a ${site} page`;
  throw new AppError(
    "ORIGIN_REFUSED",
    `a session's cookie was sent from ${from}; use an API key in the header instead`,
  );
}

export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null)
    throw new Error(`${request.method} ${request.routeOptions.url} is open and has no caller`);
  return request.caller;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whether the page and the request name the same host and port; a default port may be left out. */
function isOwnOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: pageHost } = new URL(origin);
  const asked = `${protocol}//${host}`;
  return URL.canParse(asked) && new URL(asked).host === pageHost && pageHost !== "";
}
