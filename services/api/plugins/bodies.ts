// Request bodies are application/json in UTF-8 or nothing.
import type { FastifyRequest } from "fastify";
import { AppError } from "../../platform/errors.ts";
import type { Api } from "../api.ts";
import { parseJson } from "../json.ts";

export const bodyLimitBytes = 256 * 1024;

/** No other writing of it is read: each one more is a way past somebody's filter. */
const acceptedType = /^application\/json(?:; ?charset="?utf-8"?)?$/i;

export function readJsonOnly(app: Api): void {
  app.removeAllContentTypeParsers();
  app.addHook("preParsing", async (request) => {
    const type = request.headers["content-type"];
    if (type === undefined ? hasBody(request) : !acceptedType.test(type)) {
      throw new AppError("MEDIA_TYPE_UNSUPPORTED", `the content type is ${type ?? "missing"}, not application/json`);
    }
  });
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? undefined : parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
