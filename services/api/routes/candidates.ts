// Candidates of a search: pages of them, one in full, one to take away.
import { parseGenome, segmentCosts, shapeOfSearch } from "../../../genome/index.ts";
import { AppError } from "../../platform/errors.ts";
import type { Search } from "../../platform/store/types.ts";
import type { Api, ApiOptions } from "../api.ts";
import { openCursor, sealPage } from "../cursor.ts";
import { callerOf } from "../plugins/authentication.ts";
import {
  type CandidateDetail,
  candidate,
  candidateDetail,
  candidatePath,
  type candidateSorts,
  candidatesQuery,
  type ExportedGenome,
  exportedGenome,
  page,
  searchPath,
} from "../schemas.ts";
import { present } from "./searches.ts";

const tags = ["Candidates"];

type StoredCandidate = NonNullable<Awaited<ReturnType<ApiOptions["store"]["loadCandidate"]>>>;

export function routeCandidates(app: Api, { store }: ApiOptions): void {
  app.get(
    "/searches/:id/candidates",
    {
      schema: {
        ...{ tags, summary: "Candidates of a search" },
        params: searchPath,
        querystring: candidatesQuery,
        response: { 200: page(candidate) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { state: states, sort, limit, cursor } = request.query;
      const listing = `candidates ${id} ${states ?? ""} ${sort}`;
      const place = openCursor(cursor, listing, callerOf(request));
      present(await store.loadSearch(id), id);
      const found = await store.listCandidates(id, {
        ...{ limit, ...place, ...(states && { states }) },
        sort: sort.replace("-", "") as (typeof candidateSorts)[number],
        order: sort.startsWith("-") ? "descending" : "ascending",
      });
      return sealPage(found, listing, callerOf(request));
    },
  );

  app.get(
    "/searches/:id/candidates/:number",
    {
      schema: {
        ...{ tags, summary: "One candidate with its costs, evaluations and curves" },
        params: candidatePath,
        response: { 200: candidateDetail },
      },
    },
    async ({ params }) => {
      const { search, found } = await load(params);
      return detail(search, found);
    },
  );

  app.get(
    "/searches/:id/candidates/:number/export",
    {
      schema: {
        ...{ tags, summary: "The genome of a candidate as a JSON file" },
        params: candidatePath,
        response: { 200: exportedGenome },
      },
    },
    async ({ params }, reply) => {
      const { search, found } = await load(params);
      // Both parts of the name are made by the service; what a person wrote never reaches a path.
      reply.header("content-disposition", `attachment; filename="starling-${search.id}-${found.number}.json"`);
      return exported(search, found);
    },
  );

  async function load({ id, number }: { id: string; number: number }) {
    const [search, found] = await Promise.all([store.loadSearch(id), store.loadCandidate(id, number)]);
    const owner = present(search, id);
    if (found === null) throw new AppError("CANDIDATE_NOT_FOUND", `search ${id} has no candidate ${number}`);
    return { search: owner, found };
  }
}

function detail(search: Search, found: StoredCandidate): CandidateDetail {
  const shape = shapeOfSearch(search.config);
  const genome = parseGenome(found.genome);
  return {
    ...found,
    shape,
    segments: genome.segments.map((segment) => ({ ...segment })),
    costs: segmentCosts(genome, shape, search.config.space.contextLength),
  };
}

function exported(search: Search, found: StoredCandidate): ExportedGenome {
  const { config } = search;
  const { parameters, stateBytes, flopsPerToken, score, taskScores, genome, genomeHash } = found;
  return {
    format: "starling-genome",
    version: 1,
    genome,
    hash: genomeHash,
    segments: parseGenome(genome).segments.map((segment) => ({ ...segment })),
    shape: shapeOfSearch(config),
    costs: { parameters, stateBytes, flopsPerToken, contextLength: config.space.contextLength },
    ...{ score, taskScores },
    provenance: {
      searchId: search.id,
      searchName: search.name,
      candidate: found.number,
      seed: config.seed,
      profile: config.profile,
      recipe: config.recipe,
    },
  };
}
