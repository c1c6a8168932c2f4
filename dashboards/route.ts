// Addresses inside the dashboard live behind the hash, so it works under any path of any server.

export type Route =
  | { page: "searches" }
  | { page: "new-search"; from: string | null }
  | { page: "search"; searchId: string }
  | { page: "candidate"; searchId: string; number: number }
  | { page: "workers" }
  | { page: "not-found" };

export const addresses = {
  searches: "#/searches",
  newSearch: "#/searches/new",
  copyOf: (searchId: string) => `#/searches/new?from=${encodeURIComponent(searchId)}`,
  search: (searchId: string) => `#/searches/${encodeURIComponent(searchId)}`,
  candidate: (searchId: string, number: number) => `#/searches/${encodeURIComponent(searchId)}/candidates/${number}`,
  workers: "#/workers",
};

/** "#/searches/ID/candidates/7" -> { page: "candidate", searchId: "ID", number: 7 }. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const parts = path.split("/").filter((part) => part !== "");
  const [room, id, sub, number] = parts;
  if (room === undefined) return { page: "searches" };
  if (room === "workers" && parts.length === 1) return { page: "workers" };
  if (room !== "searches") return { page: "not-found" };
  if (id === undefined) return { page: "searches" };
  if (id === "new" && parts.length === 2) return { page: "new-search", from: new URLSearchParams(query).get("from") };
  const searchId = decode(id);
  if (searchId === null) return { page: "not-found" };
  if (parts.length === 2) return { page: "search", searchId };
  if (sub === "candidates" && parts.length === 4 && /^\d{1,9}$/.test(number ?? "")) {
    return { page: "candidate", searchId, number: Number(number) };
  }
  return { page: "not-found" };
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
