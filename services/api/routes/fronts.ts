// How far a search has come: its front, and the hypervolume as it grew.
import type { Api, ApiOptions } from "../api.ts";
import { FrontReader } from "../front.ts";
import { front, hypervolume, searchPath } from "../schemas.ts";
import { objectivesOf } from "../search-answers.ts";
import { present } from "./searches.ts";

const tags = ["Searches"];

export function routeFronts(app: Api, { store }: ApiOptions): void {
  const fronts = new FrontReader(store);

  app.get(
    "/searches/:id/front",
    { schema: { tags, summary: "Non-dominated candidates", params: searchPath, response: { 200: front } } },
    async ({ params }) => {
      const search = present(await store.loadSearch(params.id), params.id);
      const numbers = await fronts.read(search);
      const isOnFront = new Set(numbers.front);
      const candidates = await store.loadCandidates(search.id, [
        ...new Set([...numbers.front, ...numbers.knownDesigns]),
      ]);
      return {
        objectives: objectivesOf(search),
        front: candidates.filter(({ number }) => isOnFront.has(number)),
        knownDesigns: candidates.filter(({ knownDesign }) => knownDesign !== null),
      };
    },
  );

  app.get(
    "/searches/:id/hypervolume",
    { schema: { tags, summary: "Hypervolume over time", params: searchPath, response: { 200: hypervolume } } },
    async ({ params }) => {
      const { id, referencePoint } = present(await store.loadSearch(params.id), params.id);
      return { referencePoint, points: await store.hypervolumeSeries(id) };
    },
  );
}
