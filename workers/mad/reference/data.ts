// Compares task data, and the draws they are made of, with what the published generators produced. All of it exactly.
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";
import { numbersOf } from "../../../operators/safetensors.ts";
import { generateDataSet } from "../generate.ts";
import type { TaskSetting } from "../settings.ts";
import { drawKeyValueMap } from "../tasks/memorization.ts";
import { generateMqar } from "../tasks/mqar.ts";
import { tasks } from "../tasks/registry.ts";
import type { Sources } from "../tasks/types.ts";
import { type Compared, exactly, unsupported, verdictOf } from "./comparison.ts";
import { compareDraws } from "./draws.ts";

/** A MADConfig of the published code, as far as it decides the data. */
interface PublishedSetting {
  readonly vocab_size: number;
  readonly seq_len: number;
  readonly frac_noise: number;
  readonly noise_vocab_size: number;
  readonly num_tokens_to_copy: number;
  readonly k_motif_size: number;
  readonly v_motif_size: number;
  readonly multi_query: boolean;
  readonly num_train_examples: number;
  readonly num_test_examples: number;
  readonly seed: number;
  /** Memorization: pairs of key and value in the order of the map. */
  readonly kv_map?: readonly (readonly [number, number])[];
}

interface PublishedMqar {
  readonly vocab_size: number;
  readonly num_examples: number;
  readonly input_seq_len: number;
  readonly num_kv_pairs: number;
  readonly power_a: number;
  readonly num_passes: number;
  readonly random_non_queries: boolean;
  readonly seed: number;
}

export async function compareMad(record: ReferenceRecord): Promise<ReferenceVerdict> {
  if (record.system === "numpy-generator") return compareDraws(record);
  if (record.system === "mqar") return compareMqar(record);
  if (isTask(record.system)) return compareTask(record, record.system);
  return unsupported(`There is no task "${record.system}".`);
}

async function compareTask(record: ReferenceRecord, task: TaskSetting["task"]): Promise<ReferenceVerdict> {
  const config = record.description.config as PublishedSetting;
  const setting = readSetting(task, config);
  const { data, sources } = await generateDataSet(setting, config.seed);
  const ours = {
    "train.inputs": data.train.inputs,
    "train.targets": data.train.targets,
    "test.inputs": data.test.inputs,
    "test.targets": data.test.targets,
  };
  return verdictOf(comparedTensors(record, ours), [...stateNotes(record, sources), ...mapNotes(setting, config)]);
}

/** Fillers of blank positions come from another library's generator: left out, as the reference data asks. */
function compareMqar(record: ReferenceRecord): ReferenceVerdict {
  const config = record.description.config as unknown as PublishedMqar;
  const { inputs, targets } = generateMqar(
    {
      vocabulary: config.vocab_size,
      examples: config.num_examples,
      length: config.input_seq_len,
      pairs: config.num_kv_pairs,
      powerA: config.power_a,
      passes: config.num_passes,
      fillBlanks: false,
    },
    config.seed,
  );
  const compared = comparedTensors(record, { inputs, labels: targets });
  if (!config.random_non_queries) return verdictOf(compared);
  const isToken = (_: number, i: number) => inputs[i] !== 0;
  const tokensOnly = (tensor: Compared): Compared => ({
    ...tensor,
    actual: Array.from(tensor.actual).filter(isToken),
    published: Array.from(tensor.published).filter(isToken),
  });
  return verdictOf(compared.map((tensor) => (tensor.name === "inputs" ? tokensOnly(tensor) : tensor)));
}

function comparedTensors(record: ReferenceRecord, ours: Readonly<Record<string, Int32Array>>): Compared[] {
  return Object.entries(ours).map(([name, actual]) => {
    const tensor = record.tensors[name];
    if (!tensor) throw new Error(`the record has no tensor "${name}"`);
    return { name, actual, published: numbersOf(tensor), tolerance: exactly };
  });
}

/** What differs in the state of the shared generator after the last instance. */
function stateNotes({ description }: ReferenceRecord, { shared }: Sources): string[] {
  const published = (description.generator_state_after ?? {}) as Readonly<Record<string, unknown>>;
  const { state, inc, has_uint32, uinteger } = shared.state();
  const ours: Readonly<Record<string, unknown>> = {
    pcg64_state: String(state),
    pcg64_inc: String(inc),
    has_uint32,
    uinteger,
    next_random: shared.random(),
  };
  return Object.keys(published)
    .filter((name) => ours[name] !== published[name])
    .map((name) => `Afterwards the generator's ${name} is ${ours[name]} instead of ${published[name]}.`);
}

function mapNotes(setting: TaskSetting, { kv_map: published, seed }: PublishedSetting): string[] {
  if (!published) return [];
  const isEqual = JSON.stringify([...drawKeyValueMap(setting, seed)]) === JSON.stringify(published);
  return isEqual ? [] : ["The map from keys to values differs."];
}

function readSetting(task: TaskSetting["task"], config: PublishedSetting): TaskSetting {
  return {
    task,
    vocabulary: config.vocab_size,
    length: config.seq_len,
    noiseFraction: config.frac_noise,
    noiseVocabulary: config.noise_vocab_size,
    tokensToCopy: config.num_tokens_to_copy,
    keyMotif: config.k_motif_size,
    valueMotif: config.v_motif_size,
    multiQuery: config.multi_query,
    trainExamples: config.num_train_examples,
    testExamples: config.num_test_examples,
  };
}

function isTask(system: string): system is TaskSetting["task"] {
  return Object.hasOwn(tasks, system);
}
