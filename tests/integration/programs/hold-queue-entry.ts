// Takes one entry of the queue `advance`, says so, and never finishes. Its arguments: QueueOptions as JSON.
import { silentLog } from "../../../services/platform/log.ts";
import { openQueues } from "../../../services/platform/queue.ts";

const queues = await openQueues({ ...JSON.parse(process.argv[2]!), log: silentLog });
queues.work(
  "advance",
  async (id) => {
    console.log(`taken ${id}`);
    await new Promise(() => undefined);
  },
  { concurrency: 1 },
);
