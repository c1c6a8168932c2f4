// The API as a listening server.
import type { AddressInfo } from "node:net";
import type { Config } from "../platform/config.ts";
import type { ApiOptions } from "./api.ts";
import { buildApp } from "./app.ts";

export interface ApiServer {
  /** With the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Ends event streams, refuses new requests, waits for those under way. */
  close(): Promise<void>;
}

export async function startApi(
  options: ApiOptions & { readonly config: Pick<Config, "host" | "port"> },
): Promise<ApiServer> {
  const { host, port: wantedPort } = options.config;
  const app = await buildApp(options);
  try {
    await app.listen({ host, port: wantedPort, listenTextResolver: () => "" });
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port, family } = app.server.address() as AddressInfo;
  const isEverywhere = host === "0.0.0.0" || host === "::";
  const name = isEverywhere ? "localhost" : family === "IPv6" && host.includes(":") ? `[${host}]` : host;
  const url = `http://${name}:${port}`;
  options.log.info({ url }, "API started");
  return {
    ...{ url, port },
    async close() {
      await app.close();
      options.log.info("API stopped");
    },
  };
}
