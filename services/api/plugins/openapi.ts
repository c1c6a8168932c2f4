// The OpenAPI 3.1 document, made from the schemas that the routes validate with, and a page to read it.
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { createJsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { searchConfig } from "../../../genome/space.ts";
import type { Api, ApiConfig } from "../api.ts";
import * as schemas from "../schemas.ts";
import { sessionCookie } from "./authentication.ts";

/** Schemas with a name of their own in the document. */
const named = {
  SearchConfig: searchConfig,
  Search: schemas.search,
  SearchSummary: schemas.searchSummary,
  Candidate: schemas.candidate,
  CandidateDetail: schemas.candidateDetail,
  Evaluation: schemas.evaluation,
  Front: schemas.front,
  Hypervolume: schemas.hypervolume,
  Operator: schemas.operatorInfo,
  Worker: schemas.worker,
  Event: schemas.event,
  ExportedGenome: schemas.exportedGenome,
  CheckedGenome: schemas.checkedGenome,
  Session: schemas.session,
  Problem: schemas.problem,
};

export async function describeApi(app: Api, { openPages }: ApiConfig): Promise<void> {
  for (const [id, schema] of Object.entries(named)) {
    if (!z.globalRegistry.has(schema)) z.globalRegistry.add(schema, { id });
  }
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Starling",
        version: "1",
        description:
          "Searches for hybrid sequence-model architectures. Every error is a problem (RFC 9457) with a `code`; a 422 names " +
          "each fault by a JSON pointer into the body. Everything needs an API key but /healthz, /readyz and signing in; " +
          "/docs and /metrics need one too unless STARLING_OPEN_PAGES names them.",
      },
      security: [{ apiKey: [] }, { session: [] }],
      components: {
        securitySchemes: {
          apiKey: { type: "http", scheme: "bearer", description: "An API key, `starling_...`" },
          session: { type: "apiKey", in: "cookie", name: sessionCookie, description: "Set by `POST /api/v1/session`" },
        },
      },
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
    transformObject: (document) => complete(jsonSchemaTransformObject(document) as OpenApi),
  });
  const open = openPages.includes("docs");
  app.addHook("onRoute", (route) => {
    if (open && (route.url === "/docs" || route.url.startsWith("/docs/"))) route.config = { ...route.config, open };
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    uiConfig: { validatorUrl: null, deepLinking: true },
    uiHooks: {
      // The page's links are relative only behind a slash.
      onRequest: (request, reply, done) => {
        if (request.url.split("?", 1)[0]?.endsWith("/docs")) void reply.redirect("docs/");
        else done();
      },
    },
  });
}

type OpenApi = {
  servers?: { url: string }[];
  components: { schemas: Record<string, unknown> };
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
};

/** What is the same for every operation. */
function complete(document: OpenApi): OpenApi {
  // Relative to the document, so that it holds under any path of a proxy.
  document.servers = [{ url: ".." }];
  const content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.responses.default = { description: "A problem", content };
  }
  const used = reachable(document);
  const schemas = Object.entries(document.components.schemas).filter(([name]) => used.has(name));
  document.components.schemas = Object.fromEntries(schemas);
  return document;
}

/** Names of the schemas that some operation leads to; each is generated for requests and for answers, few serve both. */
function reachable({ paths, components }: OpenApi): Set<string> {
  const found = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (name === undefined || found.has(name)) continue;
      found.add(name);
      follow(components.schemas[name]);
    }
  };
  // The data of an event stream, of which OpenAPI knows only that it is text.
  follow([paths, { $ref: "#/components/schemas/Event" }]);
  return found;
}
