// An answer of the API on a page: loaded once, refreshed when `version` grows, never two requests at a time.
import { useEffect, useRef, useState } from "preact/hooks";

export interface Answer<T> {
  /** The latest answer; it stays while a refresh is under way or has failed. */
  readonly data: T | null;
  readonly error: Error | null;
  readonly refresh: () => void;
}

interface Known<T> {
  readonly key: string;
  readonly data: T | null;
  readonly error: Error | null;
}

/** `key` names what is asked for: another key drops the old answer, another `version` refreshes it. */
export function useAnswer<T>(key: string, load: (signal: AbortSignal) => Promise<T>, version = 0): Answer<T> {
  const [known, setKnown] = useState<Known<T>>({ key, data: null, error: null });
  const refresh = useRef<() => void>(() => undefined);
  const current = useRef(load);
  current.current = load;

  useEffect(() => {
    const abort = new AbortController();
    refresh.current = oneAtATime(async () => {
      try {
        const data = await current.current(abort.signal);
        if (abort.signal.aborted) return;
        setKnown((before) => (isSame(before, key, data) ? before : { key, data, error: null }));
      } catch (error) {
        if (abort.signal.aborted) return;
        setKnown((before) => ({ key, data: before.key === key ? before.data : null, error: error as Error }));
      }
    }, abort.signal);
    refresh.current();
    return () => abort.abort();
  }, [key]);

  const first = useRef(version);
  useEffect(() => {
    if (version !== first.current) refresh.current();
  }, [version]);

  const fresh = known.key === key;
  return { data: fresh ? known.data : null, error: fresh ? known.error : null, refresh: () => refresh.current() };
}

/** A call during a run causes one more run after it, however many calls there were. */
export function oneAtATime(run: () => Promise<void>, signal: AbortSignal): () => void {
  let busy = false;
  let again = false;
  const go = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await run();
    } while (again && !signal.aborted);
    busy = false;
  };
  return () => void go();
}

/** Equal answers keep the same object, so that charts are not drawn anew under somebody's pointer. */
function isSame<T>(before: Known<T>, key: string, data: T): boolean {
  return before.key === key && before.error === null && JSON.stringify(before.data) === JSON.stringify(data);
}
