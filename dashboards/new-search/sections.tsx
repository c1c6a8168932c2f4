import type { ComponentChildren } from "preact";
import {
  type KnownDesignName,
  knownDesignNames,
  knownDesigns,
  type OperatorName,
  objectiveDirections,
  operatorNames,
  palette,
  profileNames,
  taskNames,
} from "../../genome/index.ts";
import { humanize } from "../format.ts";
import { objectives } from "../objectives.ts";
import { Choice, ManyOf, Switch, TextArea, TextField } from "./fields.tsx";
import type { ObjectiveRow, SearchForm } from "./form.ts";

export interface SectionProps {
  readonly form: SearchForm;
  readonly set: (change: Partial<SearchForm>) => void;
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card form-section">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

const profileTexts: Readonly<Record<(typeof profileNames)[number], string>> = {
  smoke: "Smoke: six tasks in seconds, to see it work",
  fast: "Fast: six baseline tasks, shortened",
  baseline: "Baseline: six baseline tasks in full",
  full: "Full: all 66 settings of the six tasks",
};

export function MainSection({ form, set }: SectionProps) {
  return (
    <Section title="Search">
      <TextField
        pointer="/name"
        label="Name"
        placeholder="untitled"
        value={form.name}
        onChange={(name) => set({ name })}
      />
      <Choice
        pointer="/profile"
        label="Profile"
        hint="How much training each candidate gets."
        value={form.profile}
        choices={profileNames.map((name) => [name, profileTexts[name]])}
        onChange={(profile) => set({ profile })}
      />
      <div class="field-row">
        <TextField
          pointer="/budget/candidates"
          label="Candidates"
          numeric
          hint="The known designs come on top."
          value={form.candidates}
          onChange={(candidates) => set({ candidates })}
        />
        <TextField
          pointer="/budget/wallSeconds"
          label="Time limit (minutes)"
          numeric
          placeholder="none"
          hint="After it no new work is handed out."
          value={form.wallMinutes}
          onChange={(wallMinutes) => set({ wallMinutes })}
        />
      </div>
      <div class="field-row">
        <TextField
          pointer="/budget/evaluations"
          label="Evaluations"
          numeric
          placeholder="no limit"
          hint="The known designs' included."
          value={form.evaluations}
          onChange={(evaluations) => set({ evaluations })}
        />
        <TextField
          pointer="/budget/deviceSeconds"
          label="Device time (minutes)"
          numeric
          placeholder="no limit"
          hint="Time that workers are held, all together."
          value={form.deviceMinutes}
          onChange={(deviceMinutes) => set({ deviceMinutes })}
        />
        <TextField
          pointer="/budget/flops"
          label="FLOPs of training"
          numeric
          placeholder="no limit"
          value={form.flops}
          onChange={(flops) => set({ flops })}
        />
        <TextField
          pointer="/concurrency"
          label="At once"
          numeric
          placeholder="no limit"
          hint="Most evaluations that run together."
          value={form.concurrency}
          onChange={(concurrency) => set({ concurrency })}
        />
      </div>
      <ManyOf
        pointer="/tasks"
        label="Tasks"
        hint="Their mean is the score."
        names={taskNames}
        chosen={form.tasks}
        titleOf={humanize}
        onChange={(tasks) => set({ tasks })}
      />
    </Section>
  );
}

export function ObjectivesSection({ form, set }: SectionProps) {
  const change = (changed: ObjectiveRow) =>
    set({ objectives: form.objectives.map((row) => (row.name === changed.name ? changed : row)) });
  return (
    <Section title="Objectives">
      <p class="hint">A candidate beyond a limit still counts, but ranks after every candidate within all limits.</p>
      {form.objectives.map((row) => {
        const { title } = objectives[row.name];
        const direction = objectiveDirections[row.name];
        const place = form.objectives.filter(({ chosen }) => chosen).findIndex(({ name }) => name === row.name);
        return (
          <div key={row.name} class="objective-row">
            <Switch
              pointer={place < 0 ? `/objectives/${row.name}` : `/objectives/${place}`}
              label={`${title}, ${direction === "minimize" ? "less is better" : "more is better"}`}
              on={row.chosen}
              onChange={(chosen) => change({ ...row, chosen })}
            />
            {row.chosen && (
              <TextField
                pointer={`/objectives/${place}/limit`}
                label={
                  direction === "minimize"
                    ? `At most (${objectives[row.name].unit})`
                    : `At least (${objectives[row.name].unit})`
                }
                numeric
                placeholder="no limit"
                value={row.limit}
                onChange={(limit) => change({ ...row, limit })}
              />
            )}
          </div>
        );
      })}
    </Section>
  );
}

export function SpaceSection({ form, set }: SectionProps) {
  return (
    <Section title="Search space">
      <div class="field-row">
        <TextField
          pointer="/space/depth"
          label="Positions"
          numeric
          hint="Operators one after another."
          value={form.depth}
          onChange={(depth) => set({ depth })}
        />
        <TextField
          pointer="/space/width"
          label="Model width"
          numeric
          placeholder="the profile's"
          hint="Channels of the residual stream."
          value={form.width}
          onChange={(width) => set({ width })}
        />
        <TextField
          pointer="/space/contextLength"
          label="Context length (tokens)"
          numeric
          hint="Where state bytes are quoted."
          value={form.contextLength}
          onChange={(contextLength) => set({ contextLength })}
        />
      </div>
      <Choice
        pointer="/space/layout"
        label="Layout"
        value={form.layout}
        choices={[
          ["free", "Free: any operator anywhere"],
          ["pairs", "Pairs: sequence mixer and channel mixer in turn"],
        ]}
        onChange={(layout) => set({ layout })}
      />
      <ManyOf
        pointer="/space/operators"
        label="Operators"
        names={operatorNames}
        chosen={form.operators}
        titleOf={(name) => palette[name as OperatorName].title}
        onChange={(operators) => set({ operators })}
      />
      <ManyOf
        pointer="/knownDesigns"
        label="Known designs"
        hint="Evaluated first and drawn in every plot."
        names={knownDesignNames}
        chosen={form.knownDesigns}
        titleOf={(name) => knownDesigns[name as KnownDesignName].title}
        onChange={(chosen) => set({ knownDesigns: chosen })}
      />
    </Section>
  );
}

export function AlgorithmSection({ form, set }: SectionProps) {
  return (
    <Section title="Algorithm">
      <Choice
        pointer="/algorithm/name"
        label="Algorithm"
        value={form.algorithm}
        choices={[
          ["nsga2", "NSGA-II, evolution for several objectives"],
          ["nsga2-steady-state", "Steady-state NSGA-II, which waits for no generation"],
          ["nsga3", "NSGA-III, for three objectives and more"],
          ["regularized-evolution", "Regularized evolution, in which the oldest dies"],
          ["map-elites", "MAP-Elites, the best of every kind"],
          ["firefly", "Firefly algorithm, flight towards the brighter"],
          ["surrogate", "Surrogate-assisted evolution, for few candidates"],
          ["random", "Random search, the baseline"],
        ]}
        onChange={(algorithm) => set({ algorithm })}
      />
      {form.algorithm === "nsga2" && (
        <div class="field-row">
          <TextField
            pointer="/algorithm/population"
            label="Population"
            numeric
            value={form.population}
            onChange={(population) => set({ population })}
          />
          <TextField
            pointer="/algorithm/mutationRate"
            label="Mutation rate"
            numeric
            hint="Probability per gene."
            value={form.mutationRate}
            onChange={(mutationRate) => set({ mutationRate })}
          />
          <TextField
            pointer="/algorithm/crossoverPoints"
            label="Crossover points"
            numeric
            value={form.crossoverPoints}
            onChange={(crossoverPoints) => set({ crossoverPoints })}
          />
          <TextField
            pointer="/algorithm/elitism"
            label="Elitism"
            numeric
            hint="Parents kept unchanged."
            value={form.elitism}
            onChange={(elitism) => set({ elitism })}
          />
          <TextField
            pointer="/algorithm/tournament"
            label="Tournament"
            numeric
            hint="Rivals per parent."
            value={form.tournament}
            onChange={(tournament) => set({ tournament })}
          />
        </div>
      )}
    </Section>
  );
}

export function AdvancedSection({ form, set }: SectionProps) {
  return (
    <Section title="Repeatability and limits">
      <div class="field-row">
        <TextField pointer="/seed" label="Seed" numeric value={form.seed} onChange={(seed) => set({ seed })} />
        <Choice
          pointer="/recipe"
          label="Recipe"
          value={form.recipe}
          choices={[
            ["mad-2024", "mad-2024, as published"],
            ["mad-strict", "mad-strict, with a validation split"],
          ]}
          onChange={(recipe) => set({ recipe })}
        />
      </div>
      <Switch
        pointer="/deterministic"
        label="Deterministic"
        hint="The same seed gives the same candidates, however many workers there are; they may wait for each other."
        on={form.deterministic}
        onChange={(deterministic) => set({ deterministic })}
      />
      <div class="field-row">
        <TextField
          pointer="/evaluation/timeoutSeconds"
          label="Time per evaluation (s)"
          numeric
          placeholder="from its predicted cost"
          value={form.timeoutSeconds}
          onChange={(timeoutSeconds) => set({ timeoutSeconds })}
        />
        <TextField
          pointer="/evaluation/memoryMb"
          label="Memory per evaluation (MiB)"
          numeric
          placeholder="the worker's"
          value={form.memoryMb}
          onChange={(memoryMb) => set({ memoryMb })}
        />
      </div>
      <div class="field-row">
        <TextField
          pointer="/fidelity"
          label="Rungs"
          placeholder="none"
          hint="Shares of the training after which weak candidates are stopped, as in 0.1, 0.3. Task names may follow a share."
          value={form.rungs}
          onChange={(rungs) => set({ rungs })}
        />
        <TextField
          pointer="/fidelity/eta"
          label="One in"
          numeric
          hint="As many go on to the next rung."
          value={form.eta}
          onChange={(eta) => set({ eta })}
        />
        <TextField
          pointer="/fidelity/cohort"
          label="Cohort"
          numeric
          hint="Most that are decided on together."
          value={form.cohort}
          onChange={(cohort) => set({ cohort })}
        />
      </div>
      <TextArea
        pointer="/warmStart"
        label="Warm start"
        hint="Genomes in text form, one a line; they join the first population."
        value={form.warmStart}
        onChange={(warmStart) => set({ warmStart })}
      />
    </Section>
  );
}
