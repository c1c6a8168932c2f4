import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiClient, connectionFile, findConnection } from "../../../services/cli/client.ts";
import { CliError } from "../../../services/cli/errors.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "starling-cli-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const local = { url: "http://127.0.0.1:1000", apiKey: "local" };
const remote = { STARLING_URL: "http://environment", STARLING_API_KEY: "environment" };

describe("where the service is", () => {
  const leaveLocal = () => writeFileSync(connectionFile(home), JSON.stringify(local));
  const keyFile = (key: string) => {
    const file = join(home, `${key}.key`);
    writeFileSync(file, `${key}\n`);
    return file;
  };

  test("a service started here is found by what it left behind", () => {
    leaveLocal();
    expect(findConnection({ home }, {})).toEqual(local);
  });

  test("the environment goes before it, and flags before the environment", () => {
    leaveLocal();
    expect(findConnection({ home }, remote)).toEqual({ url: "http://environment", apiKey: "environment" });
    const flags = { home, url: "http://flag/", apiKeyFile: keyFile("flag") };
    expect(findConnection(flags, remote)).toEqual({ url: "http://flag", apiKey: "flag" });
  });

  test("a file with the key goes before the key itself", () => {
    const env = { ...remote, STARLING_API_KEY_FILE: keyFile("file") };
    expect(findConnection({ home }, env).apiKey).toBe("file");
  });

  test("what is missing is named, with what to set", () => {
    expect(() => findConnection({ home }, {})).toThrow(/No service found: start one with `npm start`/);
    expect(() => findConnection({ home, url: "http://flag" }, {})).toThrow(/set STARLING_API_KEY/);
    expect(() => findConnection({ home, apiKeyFile: join(home, "no") }, remote)).toThrow(/Cannot read the API key/);
  });

  test("a file half written counts as none", () => {
    writeFileSync(connectionFile(home), '{"url": "http');
    expect(() => findConnection({ home }, {})).toThrow(CliError);
  });
});

describe("what the service answers", () => {
  let server: Server | undefined;
  afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))));

  async function clientOf(listener: RequestListener): Promise<ApiClient> {
    const listening = createServer(listener);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    const { port } = listening.address() as AddressInfo;
    return new ApiClient({ url: `http://127.0.0.1:${port}`, apiKey: "secret" });
  }

  test("every request carries the key; a body is JSON and an idempotency key stays a header", async () => {
    const seen: unknown[] = [];
    const client = await clientOf((request, response) => {
      let body = "";
      request.on("data", (data) => (body += data));
      request.on("end", () => {
        const { authorization, "idempotency-key": once, "content-type": type } = request.headers;
        seen.push([request.method, request.url, authorization, type, once, body]);
        response.end('{"ok":true}');
      });
    });
    await expect(client.get("/searches")).resolves.toEqual({ ok: true });
    await client.post("/searches", { seed: 7 }, { "idempotency-key": "k" });
    expect(seen).toEqual([
      ["GET", "/api/v1/searches", "Bearer secret", undefined, undefined, ""],
      ["POST", "/api/v1/searches", "Bearer secret", "application/json", "k", '{"seed":7}'],
    ]);
  });

  test("an empty answer is nothing, not an error", async () => {
    const client = await clientOf((_, response) => response.writeHead(204).end());
    await expect(client.delete("/searches/a")).resolves.toBeUndefined();
  });

  test("a problem is told with every place it points to", async () => {
    const problem = {
      ...{ type: "about:blank", title: "The request is not valid", status: 422, code: "REQUEST_INVALID" },
      detail: "two things are wrong",
      errors: [
        { pointer: "/budget/candidates", detail: "expected a number" },
        { pointer: "", detail: "unknown key" },
      ],
    };
    const client = await clientOf((_, response) => response.writeHead(422).end(JSON.stringify(problem)));
    await expect(client.get("/searches")).rejects.toThrow(
      new CliError(
        "The request is not valid (422 REQUEST_INVALID): two things are wrong\n" +
          "  /budget/candidates: expected a number\n  /: unknown key",
      ),
    );
  });

  test("something that is not the API is quoted, shortened", async () => {
    const client = await clientOf((_, response) => response.writeHead(502).end(`<html>${"x".repeat(500)}`));
    const error = await client.get("/searches").catch((caught: unknown) => caught as CliError);
    expect(error).toBeInstanceOf(CliError);
    expect(error).toHaveProperty("message", `The service answered 502: <html>${"x".repeat(194)}`);
  });

  test("no answer at all asks whether the service runs", async () => {
    const client = await clientOf(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    await expect(client.get("/searches")).rejects.toThrow(/ECONNREFUSED.*Is the service running\?/);
  });
});
