import { expect, test } from "vitest";
import { environmentOf } from "../../../services/cli/commands/worker.ts";
import { loadConfig } from "../../../services/platform/config.ts";

test("the options of `starling worker` are the environment's variables, and go before them", () => {
  const options = {
    ...{ engine: "pjrt", workers: "3", threads: "2", plugin: "/plugin.so", memoryFraction: "0.3" },
    ...{ programCache: "/cache", precision: "bfloat16" },
  };
  const environment = { STARLING_ENGINE: "eager", STARLING_THREADS: "9" };
  expect(loadConfig({ ...environment, ...environmentOf(options) })).toMatchObject({
    ...{ engine: "pjrt", workers: 3, threads: 2 },
    engineSettings: { plugin: "/plugin.so", memoryFraction: 0.3, cacheFolder: "/cache", precision: "bfloat16" },
  });
  expect(loadConfig({ ...environment, ...environmentOf({}) })).toMatchObject({ engine: "eager", threads: 9 });
});
