// Hands the events of the database to every open stream, in order, none twice and none left out.
//
// One reader per process follows the table; a stream that joins late first reads what it has missed by itself and
// then goes live at a moment when both stand at the same number.
import type { SearchEvent } from "./schemas.ts";

/** Where events come from: the store. */
export interface EventSource {
  lastEventId(): Promise<number>;
  /** Events numbered above `after`, oldest first, of one search or of all. */
  listEvents(query: { after: number; limit: number; searchId?: string }): Promise<SearchEvent[]>;
  /** Calls back when there may be new events; returns the way to stop it. */
  subscribe(onWake: () => void): () => void;
}

/** Where events go: one client's stream. */
export interface EventSink {
  /** Only this search's events; all events where it is null. */
  readonly searchId: string | null;
  send(event: SearchEvent): void;
  /** Whether so much waits for the client that nothing more should be sent now. */
  isBehind(): boolean;
  /** Resolves once the client has taken what was sent; with false where it does not take it in time, or is gone. */
  drained(): Promise<boolean>;
  /** The feed can do no more for this client; it shall connect again. */
  close(): void;
}

interface Follower {
  readonly sink: EventSink;
  /** Number of the last event that was considered for this client. */
  at: number;
  live: boolean;
}

const pageSize = 200;

export class EventFeed {
  readonly #source: EventSource;
  readonly #onError: (error: unknown) => void;
  readonly #followers = new Set<Follower>();
  /** Every live follower has been offered the events up to this number; null until the first look. */
  #head: number | null = null;
  #reading: Promise<void> | null = null;
  #woken = false;
  #stop: (() => void) | null = null;

  constructor(source: EventSource, onError: (error: unknown) => void) {
    this.#source = source;
    this.#onError = onError;
  }

  get size(): number {
    return this.#followers.size;
  }

  /**
   * Follows the events above `after`, or from now on where it is null.
   * Resolves with the number it starts from, before anything is sent; the rest happens by itself.
   */
  async join(sink: EventSink, after: number | null): Promise<{ from: number; begin(): void; leave(): void }> {
    this.#stop ??= this.#source.subscribe(() => this.wake());
    const newest = await this.#source.lastEventId();
    // Nobody to serve in between: the reader need not walk over what lies behind.
    if (this.#followers.size === 0) this.#head = newest;
    // A number from the future is of another database: it would wait for ever.
    const from = Math.min(after ?? newest, newest);
    const follower: Follower = { sink, at: from, live: false };
    return {
      from,
      begin: () => {
        this.#followers.add(follower);
        this.#catchUp(follower);
      },
      leave: () => this.#followers.delete(follower),
    };
  }

  /** Looks for new events now; a call during a look causes one more after it. */
  wake(): void {
    this.#woken = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
      if (this.#woken && this.#followers.size > 0) this.wake();
    });
  }

  close(): void {
    this.#stop?.();
    for (const { sink } of this.#followers) sink.close();
    this.#followers.clear();
  }

  async #readAll(): Promise<void> {
    try {
      while (this.#woken) {
        this.#woken = false;
        if (this.#head === null || this.#followers.size === 0) continue;
        for (;;) {
          const events = await this.#source.listEvents({ after: this.#head, limit: pageSize });
          for (const event of events) this.#broadcast(event);
          this.#head = events.at(-1)?.id ?? this.#head;
          if (events.length < pageSize) break;
        }
      }
    } catch (error) {
      // The next call looks again from the same number.
      this.#woken = false;
      this.#onError(error);
    }
  }

  #broadcast(event: SearchEvent): void {
    for (const follower of this.#followers) {
      if (!follower.live) continue;
      offer(follower, event);
      // The rest waits in the database, not in our memory.
      if (follower.sink.isBehind()) this.#catchUp(follower);
    }
  }

  #catchUp(follower: Follower): void {
    follower.live = false;
    this.#replay(follower).catch((error) => {
      this.#onError(error);
      this.#drop(follower);
    });
  }

  async #replay(follower: Follower): Promise<void> {
    const { sink } = follower;
    while (this.#followers.has(follower)) {
      if (!(await sink.drained())) return this.#drop(follower);
      const headBefore = this.#head;
      const events = await this.#source.listEvents({
        after: follower.at,
        limit: pageSize,
        ...(sink.searchId !== null && { searchId: sink.searchId }),
      });
      for (const event of events) offer(follower, event);
      // Live only if the reader has offered nothing to the others since this page was asked for.
      if (events.length < pageSize && this.#head === headBefore && !sink.isBehind()) {
        follower.live = true;
        this.wake();
        return;
      }
    }
  }

  #drop(follower: Follower): void {
    this.#followers.delete(follower);
    follower.sink.close();
  }
}

function offer(follower: Follower, event: SearchEvent): void {
  if (event.id <= follower.at) return;
  follower.at = event.id;
  if (follower.sink.searchId === null || follower.sink.searchId === event.searchId) follower.sink.send(event);
}
