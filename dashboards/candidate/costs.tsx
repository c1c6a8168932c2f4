import type { ComponentChildren } from "preact";
import type { Costs } from "../../genome/index.ts";
import { positionsOf } from "../architecture.ts";
import { formatBytes, formatCompact, formatCount, formatShare } from "../format.ts";
import { Segmented } from "../parts/segmented.tsx";

export type CostName = keyof Costs;

export const costTitles: Readonly<Record<CostName, string>> = {
  stateBytes: "state bytes",
  parameters: "parameters",
  flopsPerToken: "FLOPs per token",
};

/** Powers of two that the slider stops at. */
const contextPowers = { least: 5, most: 20 };

export function totalCosts(costs: readonly Costs[]): Costs {
  const sum = (name: CostName) => costs.reduce((total, cost) => total + cost[name], 0);
  return { parameters: sum("parameters"), stateBytes: sum("stateBytes"), flopsPerToken: sum("flopsPerToken") };
}

/** Part of each position in one cost; all zero where nothing costs anything. */
export function costShares(costs: readonly Costs[], name: CostName): number[] {
  const total = totalCosts(costs)[name];
  return costs.map((cost) => (total === 0 ? 0 : cost[name] / total));
}

export function CostPanel(props: {
  genome: string;
  costs: readonly Costs[];
  contextLength: number;
  setContextLength: (length: number) => void;
  shown: CostName;
  setShown: (name: CostName) => void;
}) {
  const { genome, costs, contextLength, setContextLength, shown, setShown } = props;
  const total = totalCosts(costs);
  const positions = positionsOf(genome) ?? [];
  return (
    <section class="card" aria-labelledby="costs-title">
      <div class="card-heading">
        <h2 id="costs-title">Costs</h2>
        <Segmented
          label="Shares of"
          name="cost"
          value={shown}
          choices={[
            ["stateBytes", "State"],
            ["parameters", "Parameters"],
            ["flopsPerToken", "FLOPs"],
          ]}
          onChange={setShown}
        />
      </div>
      <ContextSlider contextLength={contextLength} setContextLength={setContextLength} />
      <div class="stack" role="img" aria-label={`Shares of the ${costTitles[shown]}`}>
        {costShares(costs, shown).map((share, i) => (
          <span
            key={positions[i]?.index ?? i}
            data-family={positions[i]?.family}
            style={{ width: `${100 * share}%` }}
            title={`${positions[i]?.title}: ${formatShare(share, 1)}`}
          />
        ))}
      </div>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Position</th>
              <th scope="col" class="number">
                State bytes
              </th>
              <th scope="col" class="number">
                Parameters
              </th>
              <th scope="col" class="number">
                FLOPs per token
              </th>
            </tr>
          </thead>
          <tbody>
            {costs.map((cost, i) => (
              <CostRow key={positions[i]?.index ?? i} cost={cost}>
                <span class="tile" data-family={positions[i]?.family} aria-hidden="true">
                  {positions[i]?.sign}
                </span>{" "}
                {positions[i]?.title}
              </CostRow>
            ))}
          </tbody>
          <tfoot>
            <CostRow cost={total}>Whole model</CostRow>
          </tfoot>
        </table>
      </div>
      <p class="hint">Operators only: embedding, unembedding and norms are not counted. State in bf16.</p>
    </section>
  );
}

function CostRow({ cost, children }: { cost: Costs; children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{children}</th>
      <td class="number" title={`${formatCount(cost.stateBytes)} bytes`} data-cost="stateBytes">
        {formatBytes(cost.stateBytes)}
      </td>
      <td class="number" title={formatCount(cost.parameters)}>
        {formatCompact(cost.parameters)}
      </td>
      <td class="number" title={formatCount(cost.flopsPerToken)}>
        {formatCompact(cost.flopsPerToken)}
      </td>
    </tr>
  );
}

function ContextSlider(props: { contextLength: number; setContextLength: (length: number) => void }) {
  const { contextLength, setContextLength } = props;
  return (
    <div class="slider">
      <label for="context-length">Context length</label>
      <input
        id="context-length"
        type="range"
        min={contextPowers.least}
        max={contextPowers.most}
        step={1}
        value={Math.round(Math.log2(contextLength))}
        aria-valuetext={`${formatCount(contextLength)} tokens`}
        onInput={(event) => setContextLength(2 ** Number(event.currentTarget.value))}
      />
      <output for="context-length">{formatCount(contextLength)} tokens</output>
    </div>
  );
}
