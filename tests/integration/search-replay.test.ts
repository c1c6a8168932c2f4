// `starling search replay` on a real service and its database, before and after a row was changed by hand.
import { expect, onTestFinished, test } from "vitest";
import { openTestDatabase, temporaryHome } from "./postgres.ts";
import { startStarling, tiny } from "./service-processes.ts";
import { type Ended, starling as runCommand } from "./starling.ts";

test("a stored search replays without a difference until a row of it is tampered with", {
  timeout: 120_000,
}, async () => {
  const database = await openTestDatabase();
  const { home, remove } = temporaryHome();
  const service = await startStarling(home, { DATABASE_URL: database.url, STARLING_WORKERS: "2" });
  onTestFinished(async () => {
    service.kill("SIGTERM");
    await service.ended;
    await database.close();
    remove();
  });
  const { id } = await service.submit(tiny);
  const ended = await service.searchEnded(id);
  expect(ended).toMatchObject({ state: "completed", reason: null });
  const replay = (...options: string[]): Promise<Ended> =>
    runCommand(["search", "replay", id, ...options], { env: { STARLING_HOME: home } });

  const total = tiny.budget.candidates + ended.knownDesigns;
  expect(await replay()).toEqual({
    ...{ code: 0, err: "" },
    out: `Search ${id}: ${total} candidates replayed, no difference.\n`,
  });

  const halving = { ...tiny, seed: 3, fidelity: { rungs: [{ steps: 0.34 }], eta: 2, cohort: 4 } };
  const { id: halved } = await service.submit(halving);
  const half = await service.searchEnded(halved);
  expect(half).toMatchObject({ state: "completed", reason: null });
  expect(half.candidates.pruned).toBeGreaterThan(0);
  expect(half.candidates.complete + half.candidates.pruned).toBe(tiny.budget.candidates);
  const ofHalving = await runCommand(["search", "replay", halved], { env: { STARLING_HOME: home } });
  expect(ofHalving).toMatchObject({ code: 0, out: expect.stringContaining("no difference") });

  const number = total - 1;
  const [row] = await database.query<{ generation: number }>(
    "SELECT generation FROM candidates WHERE search_id = $1 AND number = $2",
    [id, number],
  );
  expect(row).toBeDefined();
  await database.query("UPDATE candidates SET generation = 99 WHERE search_id = $1 AND number = $2", [id, number]);
  const { code, out } = await replay("--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({
    ...{ id, compared: number },
    difference: { number, field: "generation", stored: 99, recomputed: row?.generation },
  });
});
