// Who is working, and on what.
import type { Api, ApiOptions } from "../api.ts";
import { page, worker } from "../schemas.ts";

export function routeWorkers(app: Api, { store }: ApiOptions): void {
  app.get(
    "/workers",
    { schema: { tags: ["Workers"], summary: "Workers heard of within a day", response: { 200: page(worker) } } },
    async () => ({ items: await store.listWorkers(), nextCursor: null }),
  );
}
