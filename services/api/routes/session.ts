// A browser signs in with an API key, typed once; from then on a cookie that no script can read stands for it.
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { AppError } from "../../platform/errors.ts";
import type { Api, ApiOptions } from "../api.ts";
import { callerOf, identifyKey, refuseOtherSites, sessionCookie } from "../plugins/authentication.ts";
import { session, signIn } from "../schemas.ts";

const tags = ["Session"];
const sessionSeconds = 7 * 24 * 3600;

export function routeSession(app: Api, { store, config }: ApiOptions): void {
  app.post(
    "/session",
    {
      schema: { tags, summary: "Sign a browser in", security: [], body: signIn, response: { 201: session } },
      config: {
        open: true,
        rateLimit: { max: config.signInsPerMinute, timeWindow: 60_000, keyGenerator: ({ ip }: FastifyRequest) => ip },
      },
    },
    async (request, reply) => {
      const { origin, "sec-fetch-site": site } = request.headers;
      if (origin !== undefined || site !== undefined) refuseOtherSites(request);
      const caller = await identifyKey(request.body.apiKey, store);
      if (caller === null)
        throw new AppError("UNAUTHORIZED", "this is not an API key of this service, or it was revoked");
      await endSession(request);
      const { token, expiresAt } = await store.startSession({ apiKeyId: caller.keyId, seconds: sessionSeconds });
      setCookie(request, reply, token, sessionSeconds);
      return reply.status(201).send({ authenticated: true, name: caller.name, through: "cookie", expiresAt });
    },
  );

  app.get("/session", { schema: { tags, summary: "Who is asking", response: { 200: session } } }, async (request) => {
    const { name, through, expiresAt } = callerOf(request);
    return { authenticated: true as const, name, through, expiresAt };
  });

  app.delete(
    "/session",
    { schema: { tags, summary: "Sign out", response: { 204: z.null() } } },
    async (request, reply) => {
      await endSession(request);
      setCookie(request, reply, "", 0);
      return reply.status(204).send(null);
    },
  );

  async function endSession(request: FastifyRequest): Promise<void> {
    const token = request.cookies[sessionCookie];
    if (token) await store.endSession(token);
  }
}

function setCookie(request: FastifyRequest, reply: FastifyReply, token: string, maxAge: number): void {
  const secure = request.protocol === "https";
  reply.setCookie(sessionCookie, token, { path: "/", httpOnly: true, sameSite: "strict", secure, maxAge });
}
