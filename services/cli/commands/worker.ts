// `starling worker`: joins a service from this process; needs DATABASE_URL, and REDIS_URL where the service has one.
import { type Command, Option } from "commander";
import { loadConfig, type Variable } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";
import { untilAskedToStop } from "../signals.ts";

const optionVariables = {
  engine: "STARLING_ENGINE",
  workers: "STARLING_WORKERS",
  threads: "STARLING_THREADS",
  plugin: "STARLING_PJRT_PLUGIN",
  memoryFraction: "STARLING_GPU_MEMORY_FRACTION",
  programCache: "STARLING_PROGRAM_CACHE",
  precision: "STARLING_PRECISION",
} as const satisfies Record<string, Variable>;

export type WorkerCommandOptions = { readonly [Name in keyof typeof optionVariables]?: string };

/** The options as the variables that they stand for. */
export function environmentOf(options: WorkerCommandOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [optionVariables[name as keyof typeof optionVariables], value]),
  );
}

export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("work on the searches of a service, from any machine that reaches its database and queue")
    .option("--engine <name>", "what trains: auto, or a name that `starling doctor` lists")
    .option("--workers <count>", "evaluations worked on at once")
    .option("--threads <count>", "processor threads of one evaluation; 0 shares the cores among them")
    .option("--plugin <file>", "the library of a PJRT plugin")
    .option("--memory-fraction <fraction>", "the part of a GPU's memory that one engine process may take")
    .option("--program-cache <folder>", "where compiled programs are kept")
    .addOption(
      new Option("--precision <name>", "of products and activations").choices([
        "auto",
        "highest",
        "float32",
        "bfloat16",
      ]),
    )
    .addHelpText("after", "\nEvery option stands for a variable of the environment; see `starling serve --help`.")
    .action(async (options: WorkerCommandOptions) => {
      const config = loadConfig({ ...process.env, ...environmentOf(options) });
      const log = createLog(config, "starling-worker");
      const asked = untilAskedToStop({ parent: true });
      const { startWorker } = await import("../../../workers/worker.ts");
      const { openPlatform } = await import("../../platform/open-platform.ts");
      const { startReconciler } = await import("../../platform/reconcile.ts");
      const platform = await openPlatform(config, log);
      const { store, queues } = platform;
      const reconciler = startReconciler(store, queues, {
        intervalSeconds: config.reconcileSeconds,
        leaseSeconds: config.leaseSeconds,
        log,
      });
      const worker = await startWorker({ config, store, queues, log });
      const broken = worker.broken.then((error) => {
        log.fatal({ err: error }, "no evaluation can run here");
        process.exitCode = 1;
        return "broken";
      });
      const reason = await Promise.race([asked, worker.drained.then(() => "drain"), broken]);
      log.info({ reason }, "worker stopping");
      await reconciler.stop();
      await worker.stop();
      await platform.close();
    });
}
