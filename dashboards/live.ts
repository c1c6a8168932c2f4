// Events of the service as one growing number: whoever shows data refreshes when it grows.
import { useEffect, useState } from "preact/hooks";
import { type Connection, followEvents } from "./api.ts";

export type { Connection };

export interface Live {
  readonly connection: Connection;
  /** Grows when something has changed. */
  readonly version: number;
  /** Grows when a candidate has ended or a search has moved: less often, for what is dear to compute. */
  readonly resultsVersion: number;
}

const quietMs = 1_000;
const quietResultsMs = 3_000;
/** Without any event everything is asked for anew so often. */
const restMs = 30_000;

/** Follows one search, or everything for null. A hidden tab gives its connection back and catches up when shown. */
export function useLive(searchId: string | null): Live {
  const [connection, setConnection] = useState<Connection>("connecting");
  const [version, setVersion] = useState(0);
  const [resultsVersion, setResultsVersion] = useState(0);
  const visible = useVisible();

  useEffect(() => {
    if (!visible) return;
    const any = throttle(() => setVersion((before) => before + 1), quietMs);
    const results = throttle(() => setResultsVersion((before) => before + 1), quietResultsMs);
    const all = () => {
      any.call();
      results.call();
    };
    const stop = followEvents(searchId, {
      onEvent: (type) => (/^(candidate|search)\./.test(type) ? all() : any.call()),
      onConnection: (state) => {
        setConnection(state);
        // What happened before the stream was open is not in it.
        if (state === "live") all();
      },
    });
    const rest = setInterval(all, restMs);
    return () => {
      stop();
      any.stop();
      results.stop();
      clearInterval(rest);
    };
  }, [searchId, visible]);

  return { connection, version, resultsVersion };
}

/** The first call runs at once, later ones at most once per period, and the last one is never lost. */
export function throttle(run: () => void, periodMs: number): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let pending = false;
  const call = () => {
    if (timer !== null) {
      pending = true;
      return;
    }
    run();
    timer = setTimeout(() => {
      timer = null;
      if (pending) {
        pending = false;
        call();
      }
    }, periodMs);
  };
  return { call, stop: () => timer !== null && clearTimeout(timer) };
}

function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const tell = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, []);
  return visible;
}
