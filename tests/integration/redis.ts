// A redis-server of the test's own, which it may kill. Use it inside `describeWith("redis", ...)`.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

export interface TestRedis {
  readonly url: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on its port, with what its append-only file still has. */
  start(): Promise<void>;
  command(...words: [string, ...string[]]): Promise<unknown>;
  close(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "starling-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", ""];
  let server: ChildProcess;

  async function start(): Promise<void> {
    server = spawn("redis-server", [...options, "--maxmemory-policy", "noeviction"], { stdio: "ignore" });
    while ((await command("PING").catch(() => null)) !== "PONG")
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async function kill(): Promise<void> {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    if (server.exitCode === null && server.kill("SIGKILL")) await ended;
  }

  async function command(...[name, ...args]: [string, ...string[]]): Promise<unknown> {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  await start();
  return {
    ...{ url, kill, start, command },
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
