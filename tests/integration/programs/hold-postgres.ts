// Starts or shares the embedded Postgres of the folder given as argument, says its url as JSON, and stops it on SIGTERM.
import { startEmbeddedPostgres } from "../../../services/platform/embedded-postgres.ts";
import { silentLog } from "../../../services/platform/log.ts";

const server = await startEmbeddedPostgres({ home: process.argv[2]!, log: silentLog });
process.once("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
setInterval(() => undefined, 60_000);
console.log(JSON.stringify({ url: server.url, pid: server.pid(), adopted: server.adopted }));
