// What every plugin and route of the API is given.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Config } from "../platform/config.ts";
import type { Log } from "../platform/log.ts";
import type { Queues } from "../platform/queue.ts";
import type { Store } from "../platform/store/store.ts";

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export type ApiConfig = Pick<
  Config,
  "host" | "hosts" | "trustedProxies" | "openPages" | "requestsPerMinute" | "signInsPerMinute" | "eventStreams"
>;

export interface ApiOptions {
  readonly config: ApiConfig;
  readonly store: Store;
  readonly queues: Pick<Queues, "enqueue" | "ping" | "counts">;
  readonly log: Log;
  /** Folder with the built dashboard; without it, `/` says so. */
  readonly dashboardFolder?: string | undefined;
}

/** Who asks: one API key, given with the request or stood for by a session. */
export interface Caller {
  readonly keyId: string;
  readonly name: string;
  /** SHA-256 of the key; it seals cursors, and never leaves the process. */
  readonly keyDigest: string;
  readonly through: "header" | "cookie";
  /** When the session ends; null where the key itself was sent. */
  readonly expiresAt: string | null;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers without an API key. Everything else needs one. */
    open?: true;
    /** Asked every few seconds by machines; its answers are logged at level debug. */
    routine?: true;
  }
  interface FastifyInstance {
    /** Every route there is, so that tests can walk them. */
    readonly routeTable: readonly { readonly method: string; readonly url: string }[];
  }
  interface FastifyRequest {
    /** Null on open routes only. */
    caller: Caller | null;
  }
}
