// An object of the plugin that must be destroyed once.
import type { PjrtLibrary } from "./library.ts";
import { type EntryName, entries } from "./table.ts";

type Destroy = Extract<EntryName, `${string}_Destroy`>;

interface Owned {
  readonly library: PjrtLibrary;
  readonly destroy: Destroy;
  readonly address: bigint;
}

/** A safety net only: whoever makes a handle destroys it. */
const forgotten = new FinalizationRegistry<Owned>(release);

export class Handle {
  readonly #owned: Owned;
  #isDestroyed = false;

  constructor(library: PjrtLibrary, destroy: Destroy, address: bigint) {
    this.#owned = { library, destroy, address };
    forgotten.register(this, this.#owned, this);
  }

  get address(): bigint {
    if (this.#isDestroyed) throw new Error(`${this.#owned.destroy} has been called for this object`);
    return this.#owned.address;
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    forgotten.unregister(this);
    release(this.#owned);
  }
}

function release({ library, destroy, address }: Owned): void {
  library.call(destroy, { [entries[destroy].fields[0]]: address });
}
