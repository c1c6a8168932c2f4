// `starling worker`: joins a service from this process; needs DATABASE_URL, and REDIS_URL where the service has one.
import type { Command } from "commander";
import { loadConfig } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";
import { untilAskedToStop } from "../signals.ts";

export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("work on the searches of a service, from any machine that reaches its database and queue")
    .action(async () => {
      const config = loadConfig();
      const log = createLog(config, "starling-worker");
      const asked = untilAskedToStop({ parent: true });
      const { startWorker } = await import("../../../workers/worker.ts");
      const { openPlatform } = await import("../../platform/open-platform.ts");
      const { startReconciler } = await import("../../platform/reconcile.ts");
      const platform = await openPlatform(config, log);
      const { store, queues } = platform;
      const reconciler = startReconciler(store, queues, { intervalSeconds: config.reconcileSeconds, log });
      const worker = await startWorker({ config, store, queues, log });
      const reason = await Promise.race([asked, worker.drained.then(() => "drain")]);
      log.info({ reason }, "worker stopping");
      await reconciler.stop();
      await worker.stop();
      await platform.close();
    });
}
