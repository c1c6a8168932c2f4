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
          "each fault by a JSON pointer into the body.",
      },
      // Relative to this document, so that it holds under any path of a proxy.
      servers: [{ url: ".." }],
      security: [{ apiKey: [] }, { session: [] }],
      components: {
        securitySchemes: {
          apiKey: { type: "http", scheme: "bearer", description: "An API key, `starling_...`" },
          session: { type: "apiKey", in: "cookie", name: sessionCookie, description: "Set by `POST /api/v1/session`" },
        },
      },
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
    transformObject: jsonSchemaTransformObject,
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
