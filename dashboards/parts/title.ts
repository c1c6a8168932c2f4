import { useEffect } from "preact/hooks";

/** The browser's tab says where one is. */
export function useTitle(place: string): void {
  useEffect(() => {
    document.title = `${place} · Starling`;
  }, [place]);
}
