// A process of its own: starts a child, says its pid, and waits to be killed.
import { EngineProcess } from "../../../../workers/engine/process/engine-process.ts";
import type { jobs } from "./jobs-for-tests.ts";

const engine = new EngineProcess<typeof jobs>({ jobsModule: new URL("./jobs-for-tests.ts", import.meta.url) });
if (process.argv[2] === "busy") {
  await engine.run("spin", null, { onProgress: (pid) => console.log(pid) });
} else {
  await engine.run("sleep", 0);
  console.log(engine.pid);
  setInterval(() => {}, 1000);
}
