// The dashboard's files, for everybody: what they show, they ask for with a key.
import { existsSync } from "node:fs";
import { join } from "node:path";
import staticFiles from "@fastify/static";
import { AppError } from "../../platform/errors.ts";
import type { Api } from "../api.ts";

const hidden = { schema: { hide: true }, config: { open: true } } as const;

export async function serveDashboard(app: Api, folder: string | undefined): Promise<void> {
  if (folder === undefined || !existsSync(join(folder, "index.html"))) {
    app.get("/", hidden, async () => {
      throw new AppError("NOT_FOUND", "The dashboard is not built (npx vite build). The API is described at docs/.");
    });
    return;
  }
  await app.register(staticFiles, { root: folder, serve: false, dotfiles: "ignore", cacheControl: false });
  app.get("/", hidden, (_request, reply) => reply.header("cache-control", "no-cache").sendFile("index.html"));
  app.get<{ Params: { "*": string } }>("/assets/*", hidden, (request, reply) => {
    // Vite writes a digest of the content into each name.
    reply.header("cache-control", "public, max-age=31536000, immutable");
    return reply.sendFile(request.params["*"], join(folder, "assets"));
  });
  app.get<{ Params: { file: string } }>("/:file", hidden, (request, reply) => {
    return reply.header("cache-control", "public, max-age=3600").sendFile(request.params.file);
  });
}
