// `starling serve`: API, dashboard and local workers until stopped.
import type { Command } from "commander";
import { loadConfig, variableNames } from "../../platform/config.ts";
import { createLog } from "../../platform/log.ts";
import { isJson } from "../globals.ts";
import { printJson, printLine } from "../output.ts";
import { untilAskedToStop } from "../signals.ts";

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the API, the dashboard and local workers until stopped")
    .addHelpText("after", `\nVariables read from the environment:\n  ${variableNames.join("\n  ")}`)
    .action(async (_options: unknown, command: Command) => {
      const config = loadConfig();
      const log = createLog(config, "starling");
      const asked = untilAskedToStop();
      const { startService } = await import("../service.ts");
      const service = await startService(config, log);
      if (isJson(command)) {
        printJson({ url: service.url, ...(service.isNewKey && { apiKey: service.apiKey }) });
      } else {
        printLine(`Starling is at ${service.url}`);
        if (service.isNewKey) printLine(`API key (shown once): ${service.apiKey}`);
        printLine("Ctrl-C stops it.");
      }
      log.info({ signal: await asked }, "stopping");
      await service.stop();
    });
}
