// One connection that listens for appended events and comes back by itself when it is lost.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../log.ts";
import { eventChannel } from "./events.ts";
import type { EventNotice } from "./types.ts";

type Subscriber = (notice: EventNotice) => void;

const longestPauseMs = 5000;

export class EventListener {
  readonly #databaseUrl: string;
  readonly #log: Log;
  readonly #subscribers = new Set<Subscriber>();
  #running: Promise<void> | null = null;
  #client: pg.Client | null = null;
  #closed = new AbortController();

  constructor(databaseUrl: string, log: Log) {
    this.#databaseUrl = databaseUrl;
    this.#log = log;
  }

  /** Connects with the first subscriber. Each subscriber is called with null once it is connected, and after each gap. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    if (this.#client !== null) queueMicrotask(() => subscriber(null));
    this.#running ??= this.#listen();
    return () => this.#subscribers.delete(subscriber);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#subscribers.clear();
    await this.#client?.end().catch(() => undefined);
    await this.#running;
  }

  async #listen(): Promise<void> {
    for (let pauseMs = 100; !this.#closed.signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const client = new pg.Client({ connectionString: this.#databaseUrl, keepAlive: true });
      const lost = new Promise<void>((resolve) => {
        client.on("error", () => resolve());
        client.on("end", () => resolve());
      });
      try {
        await client.connect();
        client.on("notification", ({ payload }) => this.#tell(JSON.parse(payload ?? "null") as EventNotice));
        await client.query(`LISTEN ${eventChannel}`);
        this.#client = client;
        if (this.#closed.signal.aborted) break;
        pauseMs = 50;
        this.#tell(null);
        await lost;
      } catch (error) {
        this.#log.debug({ err: error }, "event listener not connected");
      } finally {
        this.#client = null;
        await client.end().catch(() => undefined);
      }
      await sleep(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
    }
  }

  #tell(notice: EventNotice): void {
    for (const subscriber of this.#subscribers) subscriber(notice);
  }
}
