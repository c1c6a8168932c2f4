// One logger per process, created at its start and passed in. Children carry searchId, candidateId, evaluationId, jobId.
import { type Logger, pino } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/** JSON lines on standard error; coloured lines where standard error is a terminal. */
export function createLog(config: Pick<Config, "logLevel" | "logFormat">, name: string): Log {
  const pretty = config.logFormat === "pretty" || (config.logFormat === "auto" && process.stderr.isTTY === true);
  const options = {
    name,
    level: config.logLevel,
    redact: ["req.headers.authorization", "req.headers.cookie", "databaseUrl", "redisUrl", "apiKey", "password"],
  };
  return pretty
    ? pino({ ...options, transport: { target: "pino-pretty", options: { destination: 2, ignore: "pid,hostname" } } })
    : pino(options, pino.destination(2));
}

/** Says nothing; for tests and for commands whose output is the result. */
export const silentLog: Log = pino({ level: "silent" });
