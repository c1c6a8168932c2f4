// Events of the service as one growing number: whoever shows data refreshes when it grows.
import { useEffect, useState } from "preact/hooks";
import { type Connection, followEvents } from "./api.ts";

export type { Connection };

export interface Live {
  readonly connection: Connection;
  /** Grows when something has changed: at most once in `quietMs`, and at least every `restMs`. */
  readonly version: number;
}

const quietMs = 1_000;
const restMs = 30_000;

/** Follows one search, or everything for null. A hidden tab gives its connection back and catches up when shown. */
export function useLive(searchId: string | null): Live {
  const [connection, setConnection] = useState<Connection>("connecting");
  const [version, setVersion] = useState(0);
  const visible = useVisible();

  useEffect(() => {
    if (!visible) return;
    const bump = () => setVersion((before) => before + 1);
    const throttled = throttle(bump, quietMs);
    const stop = followEvents(searchId, {
      onEvent: throttled.call,
      onConnection: (state) => {
        setConnection(state);
        // What happened before the stream was open is not in it.
        if (state === "live") throttled.call();
      },
    });
    const heartbeat = setInterval(bump, restMs);
    return () => {
      stop();
      throttled.stop();
      clearInterval(heartbeat);
    };
  }, [searchId, visible]);

  return { connection, version };
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
