import type { Answer } from "../answer.ts";
import type { Search, WorkerInfo } from "../api.ts";
import { useNow } from "../clock.ts";
import { formatAge, formatCount, humanize, plural } from "../format.ts";
import { Answered, Empty } from "../parts/notice.tsx";
import { addresses } from "../route.ts";

export function WorkersPanel({ answer }: { answer: Answer<WorkerInfo[]> }) {
  return (
    <section class="card" aria-labelledby="workers-title">
      <div class="card-heading">
        <h2 id="workers-title">Workers</h2>
        <a href={addresses.workers}>All workers</a>
      </div>
      <Answered answer={answer} what="the workers">
        {(workers) => <WorkerLines workers={workers.filter((worker) => worker.state !== "offline")} />}
      </Answered>
    </section>
  );
}

function WorkerLines({ workers }: { workers: readonly WorkerInfo[] }) {
  const now = useNow(5_000);
  if (workers.length === 0) {
    return (
      <Empty>
        No worker is online, so nothing is trained. Start one with <code>starling worker</code>.
      </Empty>
    );
  }
  return (
    <ul class="lines">
      {workers.slice(0, 12).map((worker) => (
        <li key={worker.id}>
          <span class="line-name">{worker.host}</span>
          <span class="muted">{worker.engine}</span>
          <Slots worker={worker} />
          <span class="muted line-end">{formatAge(worker.heartbeatAt, now)}</span>
        </li>
      ))}
      {workers.length > 12 && <li class="muted">and {plural(workers.length - 12, "more worker")}</li>}
    </ul>
  );
}

/** One square per place to work in: filled when it holds an evaluation. */
export function Slots({ worker }: { worker: WorkerInfo }) {
  const text = `${worker.running.length} of ${worker.concurrency} busy`;
  return (
    <span class="slots" role="img" aria-label={text} title={text}>
      {worker.concurrency <= 16
        ? Array.from({ length: worker.concurrency }, (_, i) => (
            <span key={i} class={i < worker.running.length ? "slot slot-busy" : "slot"} />
          ))
        : text}
    </span>
  );
}

export function FailuresPanel({ search }: { search: Search }) {
  const reasons = Object.entries(search.failuresByReason).filter(([, count]) => count > 0);
  const most = Math.max(1, ...reasons.map(([, count]) => count));
  const { complete, running, waiting, failed } = search.evaluations;
  return (
    <section class="card" aria-labelledby="failures-title">
      <div class="card-heading">
        <h2 id="failures-title">Evaluations</h2>
      </div>
      <p class="muted">
        {formatCount(complete)} complete, {formatCount(running)} running, {formatCount(waiting)} waiting.
        {search.reused > 0 && ` ${plural(search.reused, "result")} taken over from equal evaluations, at no cost.`}
      </p>
      {failed === 0 ? (
        <p class="muted">None has failed.</p>
      ) : (
        <>
          <h3>{formatCount(failed)} failed, by reason</h3>
          <ul class="reasons">
            {reasons.map(([reason, count]) => (
              <li key={reason}>
                <span>{humanize(reason)}</span>
                <span class="reason-bar" style={{ width: `${(100 * count) / most}%` }} aria-hidden="true" />
                <span class="number">{formatCount(count)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
