// What is going to happen, in order of time: a binary heap. What happens at the same time keeps the order of its planning.

interface Planned<Happening> {
  readonly at: number;
  readonly place: number;
  readonly happening: Happening;
}

export class Timeline<Happening> {
  readonly #heap: Planned<Happening>[] = [];
  #planned = 0;

  plan(at: number, happening: Happening): void {
    const heap = this.#heap;
    const item = { at, place: this.#planned++, happening };
    let index = heap.length;
    for (let parent = (index - 1) >> 1; index > 0 && isBefore(item, heap[parent]!); parent = (index - 1) >> 1) {
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = item;
  }

  /** Takes out the earliest; null where nothing is planned. */
  next(): { readonly at: number; readonly happening: Happening } | null {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (child >= heap.length || isBefore(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Planned<unknown>, b: Planned<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.place < b.place);
}
