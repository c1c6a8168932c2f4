import { useAnswer } from "../answer.ts";
import { api, type WorkerInfo } from "../api.ts";
import { useNow } from "../clock.ts";
import { formatAge, humanize, plural } from "../format.ts";
import { useLive } from "../live.ts";
import { ConnectionSign } from "../parts/connection.tsx";
import { Answered, Empty } from "../parts/notice.tsx";
import { useTitle } from "../parts/title.ts";
import { Slots } from "../search/progress-panels.tsx";

export function WorkersPage() {
  useTitle("Workers");
  const { connection, version } = useLive(null);
  const answer = useAnswer("workers", (signal) => api.workers(signal), version);
  return (
    <>
      <div class="heading">
        <h1>Workers</h1>
        <div class="heading-actions">
          <ConnectionSign connection={connection} />
        </div>
      </div>
      <Answered answer={answer} what="the workers">
        {(workers) =>
          workers.length === 0 ? (
            <Empty>
              <h2>No worker has ever reported here</h2>
              <p>
                <code>starling serve</code> brings its own; <code>starling worker</code> joins from any machine that
                reaches the database.
              </p>
            </Empty>
          ) : (
            <>
              <p class="muted summary-line">{summarize(workers)}</p>
              <section class="card">
                <WorkerTable workers={workers} />
              </section>
            </>
          )
        }
      </Answered>
    </>
  );
}

export function summarize(workers: readonly WorkerInfo[]): string {
  const online = workers.filter(({ state }) => state === "online");
  const places = online.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const busy = online.reduce((sum, { running }) => sum + running.length, 0);
  return `${plural(online.length, "worker")} online, ${busy} of ${plural(places, "place")} busy.`;
}

const stateTexts: Readonly<Record<WorkerInfo["state"], string>> = {
  online: "Takes work",
  draining: "Finishes what it has, then leaves",
  offline: "Has not reported lately",
};

function WorkerTable({ workers }: { workers: readonly WorkerInfo[] }) {
  const now = useNow(5_000);
  return (
    <div class="table-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col">State</th>
            <th scope="col">Engine</th>
            <th scope="col">Busy</th>
            <th scope="col">Running evaluations</th>
            <th scope="col" class="number">
              Started
            </th>
            <th scope="col" class="number">
              Last heard of
            </th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.id} class={worker.state === "offline" ? "infeasible" : ""}>
              <th scope="row">
                {worker.host} <small class="muted">process {worker.pid}</small>
              </th>
              <td>
                <span class="state" data-state={worker.state} title={stateTexts[worker.state]}>
                  <span class="state-dot" aria-hidden="true" />
                  {humanize(worker.state)}
                </span>
              </td>
              <td>{worker.engine}</td>
              <td>
                <Slots worker={worker} />
              </td>
              {worker.running.length === 0 ? (
                <td class="muted">none</td>
              ) : (
                <td class="ids">{worker.running.join(", ")}</td>
              )}
              <td class="number">{formatAge(worker.startedAt, now)}</td>
              <td class="number">{formatAge(worker.heartbeatAt, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
