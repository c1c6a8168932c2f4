// Options that every command understands.
import type { Command } from "commander";
import { loadConfig } from "../platform/config.ts";
import { ApiClient, findConnection } from "./client.ts";

export interface GlobalOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly apiKeyFile?: string;
}

export const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

export const isJson = (command: Command): boolean => globalsOf(command).json === true;

export function clientOf(command: Command): ApiClient {
  const { url, apiKeyFile } = globalsOf(command);
  return new ApiClient(findConnection({ url, apiKeyFile, home: loadConfig().home }));
}
