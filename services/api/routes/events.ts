// Events as they happen: Server-Sent Events, resumed where a broken stream ended.
//
// Each event has its number as `id:`. A client that comes back with `Last-Event-ID` is sent what it missed from the
// database and then what happens. A client that does not read is dropped; it comes back when it can.
import { once } from "node:events";
import type { OutgoingHttpHeaders } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { AppError } from "../../platform/errors.ts";
import type { Api, ApiOptions } from "../api.ts";
import { EventFeed, type EventSink } from "../event-feed.ts";
import { identify } from "../plugins/authentication.ts";
import { eventsQuery, type SearchEvent } from "../schemas.ts";

const heartbeatMs = 15_000;
/** What may wait for a client before it is sent no more. */
const backlogBytes = 256 * 1024;
/** How long a client may take to read that. */
const patienceMs = 5000;
const reconnectMs = 2000;

/** @returns how many streams are open. */
export function routeEvents(app: Api, { store, log, config }: ApiOptions): () => number {
  const feed = new EventFeed(store, (error) => log.warn({ err: error }, "events not read"));
  const streams = new Set<Stream>();

  const heartbeat = setInterval(() => {
    // Looks even without a notice: the connection that brings notices may have died unheard.
    feed.wake();
    for (const stream of streams) stream.beat();
  }, heartbeatMs).unref();
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
      if (streams.size >= config.eventStreams) {
        reply.header("retry-after", 10);
        throw new AppError("TOO_MANY_STREAMS", `${streams.size} event streams are open, no more are served at once`);
      }
      // Whoever asks may be gone before the database answers: the place is given back whenever the connection ends.
      const isAllowed = async () => (await identify(request, store)) !== null;
      const stream = new Stream(reply, request.query.searchId ?? null, isAllowed);
      streams.add(stream);
      let leave = () => {};
      reply.raw.once("close", () => {
        streams.delete(stream);
        leave();
      });
      const place = await feed.join(stream, lastEventId(request) ?? request.query.after ?? null);
      if (!streams.has(stream)) return reply.hijack();
      stream.open(place.from);
      leave = place.leave;
      place.begin();
      return reply;
    },
  );
  return () => streams.size;
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
  readonly #isAllowed: () => Promise<boolean>;

  constructor(reply: FastifyReply, searchId: string | null, isAllowed: () => Promise<boolean>) {
    this.searchId = searchId;
    this.#reply = reply;
    this.#isAllowed = isAllowed;
  }

  /** From here on the answer belongs to the stream. */
  open(from: number): void {
    const { raw } = this.#reply;
    this.#reply.hijack();
    raw.writeHead(200, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // What ends here is over: the next stream comes on a connection of its own.
      connection: "close",
      // Proxies of the nginx family would keep it until it is long enough.
      "x-accel-buffering": "no",
    });
    // An id without data moves a client's place without being an event.
    this.#write(`retry: ${reconnectMs}\nid: ${from}\n\n`);
  }

  send(event: SearchEvent): void {
    this.#write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** Keeps the connection from looking dead; a key that was revoked, or a session that ended, ends its streams. */
  beat(): void {
    if (!this.#reply.raw.headersSent) return;
    this.#write(":\n\n");
    this.#isAllowed().then(
      (allowed) => allowed || this.close(),
      () => undefined, // The database does not answer; the next beat asks again.
    );
  }

  isBehind(): boolean {
    return this.#reply.raw.writableLength > backlogBytes;
  }

  async drained(): Promise<boolean> {
    const { raw } = this.#reply;
    if (!raw.destroyed && raw.writableNeedDrain) {
      const late = AbortSignal.timeout(patienceMs);
      await Promise.race([once(raw, "drain", { signal: late }), once(raw, "close", { signal: late })]).catch(() => {
        this.#reply.log.info({ waitingBytes: raw.writableLength }, "event stream dropped: its client does not read");
      });
    }
    return !raw.destroyed && !raw.writableNeedDrain;
  }

  close(): void {
    const { raw } = this.#reply;
    raw.end();
    // A client that does not read would keep the connection, and the server, from closing.
    setTimeout(() => raw.destroy(), 1000).unref();
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (!raw.destroyed && !raw.writableEnded) raw.write(text);
  }
}
