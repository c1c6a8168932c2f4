// So many requests a minute for each API key (each address, on open routes), told in RateLimit-* headers.
// Counted by each API process for itself.
import rateLimit from "@fastify/rate-limit";
import { AppError } from "../../platform/errors.ts";
import type { Api, ApiConfig } from "../api.ts";

export async function limitRequests(app: Api, { requestsPerMinute }: ApiConfig): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    cache: 10_000,
    keyGenerator: (request) => request.caller?.keyId ?? request.ip,
    errorResponseBuilder: (_request, { max, after }) =>
      new AppError("RATE_LIMITED", `more than ${max} requests in a minute; try again in ${after}`),
  });
}
