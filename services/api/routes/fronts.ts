// How far a search has come: its front, and the hypervolume as it grew.
import type { Api, ApiOptions } from "../api.ts";
import { compareSearches } from "../comparison.ts";
import { FrontReader } from "../front.ts";
import { comparison, comparisonQuery, front, hypervolume, searchPath } from "../schemas.ts";
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
        objectives: objectivesOf(search.config),
        front: candidates.filter(({ number }) => isOnFront.has(number)),
        knownDesigns: candidates.filter(({ knownDesign }) => knownDesign !== null),
      };
    },
  );

  app.get(
    "/searches/compare",
    {
      schema: {
        ...{ tags, summary: "Fronts of several searches, with one reference point" },
        querystring: comparisonQuery,
        response: { 200: comparison },
      },
    },
    async ({ query }) => {
      const contenders = query.ids.map(async (id) => {
        const search = present(await store.loadSearch(id), id);
        return { search, front: await store.loadCandidates(id, (await fronts.read(search)).front) };
      });
      return compareSearches(await Promise.all(contenders));
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
