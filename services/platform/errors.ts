// Every error the service tells a person about, in one table: its code, its HTTP status and its title.

const errors = {
  CONFIG_INVALID: { status: 500, title: "The environment is not valid" },
  DATABASE_UNAVAILABLE: { status: 503, title: "The database cannot be reached" },
  MIGRATION_FAILED: { status: 500, title: "A database migration failed" },
  MIGRATION_DRIFT: { status: 500, title: "The database was migrated from other files" },
  QUEUE_UNAVAILABLE: { status: 503, title: "The queue cannot be reached" },
  EMBEDDED_POSTGRES_FAILED: { status: 503, title: "The embedded Postgres did not start" },

  REQUEST_INVALID: { status: 422, title: "The request is not valid" },
  HTTP_INVALID: { status: 400, title: "The request is not HTTP" },
  HEADERS_TOO_LARGE: { status: 431, title: "The request's headers are too large" },
  REQUEST_TIMEOUT: { status: 408, title: "The request did not come to an end" },
  BODY_INVALID: { status: 400, title: "The body cannot be read" },
  BODY_TOO_LARGE: { status: 413, title: "The body is too large" },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: "The body must be application/json" },
  PARAMETER_INVALID: { status: 400, title: "A parameter of the query or a header is not valid" },
  CURSOR_INVALID: { status: 400, title: "The cursor is not one this service gave out" },
  IDEMPOTENCY_MISMATCH: { status: 409, title: "The idempotency key was used with another request" },
  UNAUTHORIZED: { status: 401, title: "A valid API key is required" },
  ORIGIN_REFUSED: { status: 403, title: "The request comes from another site" },
  HOST_REFUSED: { status: 421, title: "The service does not answer to that name" },
  RATE_LIMITED: { status: 429, title: "Too many requests" },
  TOO_MANY_STREAMS: { status: 429, title: "Too many event streams are open" },
  NOT_FOUND: { status: 404, title: "Not found" },
  INTERNAL: { status: 500, title: "The service failed to answer" },

  SEARCH_NOT_FOUND: { status: 404, title: "Search not found" },
  SEARCH_FINISHED: { status: 409, title: "The search has ended" },
  SEARCH_STATE_CONFLICT: { status: 409, title: "The search cannot go to that state" },
  BUDGET_EXCEEDED: { status: 500, title: "More was proposed than the budget allows" },
  CANDIDATE_NOT_FOUND: { status: 404, title: "Candidate not found" },
  EVALUATION_NOT_FOUND: { status: 404, title: "Evaluation not found" },
  WORKER_NOT_FOUND: { status: 404, title: "Worker not found" },
  API_KEY_NOT_FOUND: { status: 404, title: "API key not found" },
  ARTIFACT_NOT_FOUND: { status: 404, title: "Artifact not found" },
  ARTIFACT_DAMAGED: { status: 500, title: "An artifact's bytes do not match its id" },
  JOB_INVALID: { status: 500, title: "A queue entry is not valid" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errors;

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly status: number;
  /** The same for every error of this code; the message says what happened this time. */
  readonly title: string;
  /** JSON pointers into the request and what is wrong there, for REQUEST_INVALID. */
  readonly errors: readonly { pointer: string; detail: string }[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; errors?: readonly { pointer: string; detail: string }[] } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.status = errors[code].status;
    this.title = errors[code].title;
    this.errors = options.errors ?? [];
  }
}

export function hasCode(error: unknown, code: ErrorCode): error is AppError {
  return error instanceof AppError && error.code === code;
}
