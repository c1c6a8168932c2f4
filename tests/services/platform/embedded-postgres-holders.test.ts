import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hold } from "../../../services/platform/embedded-postgres/holders.ts";
import { temporaryHome } from "../../integration/postgres.ts";

let folder: ReturnType<typeof temporaryHome>;
beforeEach(() => {
  folder = temporaryHome();
});
afterEach(() => folder.remove());

test("the last of several to leave stops the server, and only that one", async () => {
  const holds = [await hold(folder.home), await hold(folder.home), await hold(folder.home)];
  let stops = 0;
  for (const [n, held] of holds.entries()) {
    await held.release(async () => void stops++);
    expect(stops).toBe(n === holds.length - 1 ? 1 : 0);
  }
  expect(readdirSync(folder.home)).toEqual([]);
});

test("whoever comes while the server is being stopped waits until it has", async () => {
  const leaving = await hold(folder.home);
  let stopped = false;
  const release = leaving.release(async () => {
    await sleep(200);
    stopped = true;
  });
  await sleep(50);
  const next = await hold(folder.home);
  expect(stopped).toBe(true);
  await release;
  await next.release(async () => undefined);
});

test("whoever comes while another leaves without stopping does not wait for long", async () => {
  const [staying, leaving] = [await hold(folder.home), await hold(folder.home)];
  await Promise.all([leaving.release(async () => expect.fail("stopped")), hold(folder.home)]);
  expect(readdirSync(folder.home)).toHaveLength(2);
  await staying.release(async () => undefined);
});
