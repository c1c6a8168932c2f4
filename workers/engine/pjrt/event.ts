// Something that the device has yet to do.
import { Handle } from "./handle.ts";
import type { PjrtLibrary } from "./library.ts";

/** `Target` is what the device writes to until then; the event keeps it alive. */
export class Event<Target = undefined> {
  readonly #library: PjrtLibrary;
  readonly #handle: Handle;
  readonly #target: Target;

  constructor(library: PjrtLibrary, address: bigint, target: Target) {
    this.#library = library;
    this.#handle = new Handle(library, "Event_Destroy", address);
    this.#target = target;
  }

  /** Once only. @throws PjrtError with what went wrong on the device. */
  async happened(): Promise<Target> {
    try {
      await this.#library.callAsync("Event_Await", { event: this.#handle.address });
      return this.#target;
    } finally {
      this.#handle.destroy();
    }
  }

  /** For one that nobody waits for. */
  destroy(): void {
    this.#handle.destroy();
  }
}

/** Waits for all of them, one after the other, also where one fails: the device may still write to the others' targets. */
export async function allHappened(events: readonly Event<unknown>[]): Promise<void> {
  const failures: unknown[] = [];
  for (const event of events) await event.happened().catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
