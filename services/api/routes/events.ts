// Events as they happen: Server-Sent Events, resumed where a broken stream ended.
//
// Each event has its number as `id:`. A client that comes back with `Last-Event-ID` is sent what it missed from the
// database and then what happens. A client that does not read is dropped; it comes back when it can.
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { AppError } from "../../platform/errors.ts";
import type { Api, ApiOptions } from "../api.ts";
import { EventFeed, type EventSink } from "../event-feed.ts";
import { identify } from "../plugins/authentication.ts";
import { eventsQuery, type SearchEvent } from "../schemas.ts";

const heartbeatMs = 15_000;
/** What may wait for a client to read it. */
const backlogBytes = 1024 * 1024;
const reconnectMs = 2000;

/** @returns how many streams are open. */
export function routeEvents(app: Api, { store, log, config }: ApiOptions): () => number {
  const feed = new EventFeed(store, (error) => log.warn({ err: error }, "events not read"));
  let open = 0;

  // Looks even without a notice: the connection that brings notices may have died unheard.
  const heartbeat = setInterval(() => feed.wake(), heartbeatMs).unref();
  app.addHook("preClose", async () => {
    clearInterval(heartbeat);
    feed.close();
  });

  app.get(
    "/events",
    {
      exposeHeadRoute: false,
      schema: {
        tags: ["Events"],
        summary: "Events as they happen (text/event-stream)",
        description:
          "`id:` is the event's number, `event:` its type, `data:` the event as JSON. Send `Last-Event-ID` to be told what " +
          "was missed. A comment comes every 15 seconds.",
        querystring: eventsQuery,
        response: { 200: { description: "Never ends", content: { "text/event-stream": { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      if (open >= config.eventStreams) {
        reply.header("retry-after", 10);
        throw new AppError("TOO_MANY_STREAMS", `${open} event streams are open, no more are served at once`);
      }
      open += 1;
      let release = () => {
        open -= 1;
        release = () => undefined;
      };
      try {
        const stream = new Stream(request, reply, request.query.searchId ?? null);
        const place = await feed.join(stream, lastEventId(request) ?? request.query.after ?? null);
        const watch = setInterval(() => {
          stream.beat();
          // A key that was revoked, or a session that ended, ends its streams too.
          identify(request, store).then(
            (caller) => caller === null && stream.close(),
            () => undefined,
          );
        }, heartbeatMs);
        stream.open(place.from, () => {
          clearInterval(watch);
          place.leave();
          release();
        });
        place.begin();
      } catch (error) {
        release();
        throw error;
      }
      return reply;
    },
  );
  return () => open;
}

function lastEventId({ headers }: FastifyRequest): number | null {
  const given = headers["last-event-id"];
  if (given === undefined || given === "") return null;
  if (typeof given === "string" && /^\d{1,15}$/.test(given)) return Number(given);
  throw new AppError("PARAMETER_INVALID", `Last-Event-ID is ${JSON.stringify(given)}, not the number of an event`);
}

/** One client. */
class Stream implements EventSink {
  readonly searchId: string | null;
  readonly #reply: FastifyReply;
  readonly #log: FastifyRequest["log"];

  constructor(request: FastifyRequest, reply: FastifyReply, searchId: string | null) {
    this.#reply = reply;
    this.#log = request.log;
    this.searchId = searchId;
  }

  /** From here on the answer belongs to the stream; nothing may throw into it. */
  open(from: number, onClose: () => void): void {
    const { raw } = this.#reply;
    raw.once("close", onClose);
    this.#reply.hijack();
    raw.writeHead(200, {
      ...(this.#reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Proxies of the nginx family would keep it until it is long enough.
      "x-accel-buffering": "no",
    });
    // An id without data moves a client's place without being an event.
    this.#write(`retry: ${reconnectMs}\nid: ${from}\n\n`);
  }

  send(event: SearchEvent): void {
    this.#write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  beat(): void {
    this.#write(":\n\n");
  }

  async drained(): Promise<void> {
    const { raw } = this.#reply;
    if (!raw.writableNeedDrain || raw.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        raw.off("drain", done).off("close", done);
        resolve();
      };
      raw.on("drain", done).on("close", done);
    });
  }

  close(): void {
    this.#reply.raw.end();
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (raw.destroyed || raw.writableEnded) return;
    raw.write(text);
    if (raw.writableLength > backlogBytes) {
      this.#log.warn({ backlogBytes: raw.writableLength }, "event stream dropped: its client does not read");
      raw.destroy();
    }
  }
}
