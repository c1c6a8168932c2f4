// Every error, whoever made it, leaves as problem+json (RFC 9457).
//
// From 500 upward the text is the same for every cause and the log has the rest under the same request id.
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { AppError, type ErrorCode } from "../../platform/errors.ts";
import type { Api } from "../api.ts";
import { JsonError } from "../json.ts";
import type { Problem } from "../schemas.ts";
import { RequestInvalid, type RequestPart } from "../validation.ts";

/** Seconds until a client may try again, where the error itself does not know. */
const retryAfterSeconds = 5;

export function answerProblems(app: Api): void {
  app.setErrorHandler((error, request, reply) => sendProblem(toAppError(error), request, reply));
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    sendProblem(new AppError("NOT_FOUND", `there is no ${request.method} ${pathOf(request)}`), request, reply),
  );
}

/** For what Fastify refuses before any hook: an address that cannot be decoded. */
export function refuseBadUrl(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(new AppError("NOT_FOUND", error.message), request, reply);
}

const codesOfNode: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
};

/** For what Node refuses before Fastify sees it: bytes that are no request. */
export function refuseBrokenRequest({ code = "", message }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const error = new AppError(codesOfNode[code] ?? "HTTP_INVALID", message);
  const body = JSON.stringify(problemOf(error, randomUUID()));
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

export function problemOf(error: AppError, requestId: string): Problem {
  return {
    type: `urn:starling:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.status >= 500 ? `${error.title}. The log has more under this request id.` : error.message,
    ...(error.errors.length > 0 && { errors: error.errors.map(({ pointer, detail }) => ({ pointer, detail })) }),
    requestId,
  };
}

function sendProblem(error: AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.status >= 500) {
    request.log.error({ err: error.code === "INTERNAL" ? error.cause : error, code: error.code }, "request failed");
  }
  if (error.status === 401) reply.header("www-authenticate", 'Bearer realm="starling"');
  if (error.status === 503 && !reply.hasHeader("retry-after")) reply.header("retry-after", retryAfterSeconds);
  return reply
    .status(error.status)
    .headers({ "cache-control": "no-store", "content-type": "application/problem+json; charset=utf-8" })
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id));
}

const codesOfParts: Record<RequestPart, ErrorCode> = {
  body: "REQUEST_INVALID",
  querystring: "PARAMETER_INVALID",
  headers: "PARAMETER_INVALID",
  params: "NOT_FOUND",
};

/** What Fastify and Node say about a request, in our words. */
const codesOfFastify: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE_UNSUPPORTED",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "BODY_INVALID",
  FST_ERR_RATE_LIMIT: "RATE_LIMITED",
};

export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof JsonError) {
    return new AppError("BODY_INVALID", error.message, { errors: [{ pointer: error.pointer, detail: error.message }] });
  }
  if (error instanceof RequestInvalid) {
    return new AppError(codesOfParts[error.part], `the ${partNames[error.part]} is not valid: ${error.message}`, {
      errors: error.faults,
    });
  }
  const { code, statusCode, message } = error as Partial<FastifyError>;
  const known = codesOfFastify[code ?? ""] ?? codeOfStatus(statusCode);
  return known ? new AppError(known, message ?? known) : new AppError("INTERNAL", "unexpected", { cause: error });
}

const partNames: Record<RequestPart, string> = {
  body: "body",
  querystring: "query",
  headers: "header",
  params: "path",
};

function codeOfStatus(status: number | undefined): ErrorCode | undefined {
  if (status === undefined || status < 400 || status >= 500) return undefined;
  if (status === 404) return "NOT_FOUND";
  if (status === 429) return "RATE_LIMITED";
  return STATUS_CODES[status] ? "BODY_INVALID" : undefined;
}

function pathOf(request: FastifyRequest): string {
  const path = request.url.split("?", 1)[0] ?? "";
  return path.length > 200 ? `${path.slice(0, 200)}...` : path;
}
