// The command line's one door to the API: where it is, which key to use, and what an error answer means.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../api/schemas.ts";
import { CliError } from "./errors.ts";

export interface Connection {
  readonly url: string;
  readonly apiKey: string;
}

export interface ConnectionOptions {
  readonly url?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  /** The folder in which a local service leaves its address and key. */
  readonly home: string;
}

export const connectionFile = (home: string): string => join(home, "client.json");

/** Flags first, then the environment, then what a service started here left behind. */
export function findConnection(options: ConnectionOptions, env: NodeJS.ProcessEnv = process.env): Connection {
  const local = readLocalConnection(options.home);
  const url = options.url ?? env.STARLING_URL ?? local?.url;
  const keyFile = options.apiKeyFile ?? env.STARLING_API_KEY_FILE;
  const apiKey = keyFile ? readKey(keyFile) : (env.STARLING_API_KEY ?? local?.apiKey);
  if (!url) {
    throw new CliError("No service found: start one with `npm start`, or set STARLING_URL (or --url).");
  }
  if (!apiKey) {
    throw new CliError("No API key found: set STARLING_API_KEY, STARLING_API_KEY_FILE or --api-key-file.");
  }
  return { url: url.replace(/\/+$/, ""), apiKey };
}

export class ApiClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get url(): string {
    return this.#connection.url;
  }

  get<T>(path: string): Promise<T> {
    return this.#request<T>("GET", path);
  }

  post<T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#request<T>("POST", path, body, headers);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#request<T>("PATCH", path, body);
  }

  delete(path: string): Promise<void> {
    return this.#request<void>("DELETE", path);
  }

  async #request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.#connection.url}/api/v1${path}`, {
      method,
      headers: {
        accept: "application/json",
        authorization: `Bearer ${this.#connection.apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new CliError(`No answer from ${this.#connection.url}: ${reason(cause)}. Is the service running?`);
    });
    const text = await answer.text();
    if (!answer.ok) throw new CliError(describeProblem(answer.status, text));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}

function describeProblem(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as Problem;
    const places = (problem.errors ?? []).map((error) => `\n  ${error.pointer || "/"}: ${error.detail}`);
    return `${problem.title} (${problem.status} ${problem.code}): ${problem.detail}${places.join("")}`;
  } catch {
    return `The service answered ${status}: ${text.slice(0, 200)}`;
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

export function readLocalConnection(home: string): Partial<Connection> | undefined {
  try {
    return JSON.parse(readFileSync(connectionFile(home), "utf8")) as Partial<Connection>;
  } catch {
    return undefined;
  }
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CliError(`Cannot read the API key from ${file}: ${reason(error)}`);
  }
}
