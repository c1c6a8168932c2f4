// The programs of bench/peers, where a Python that can import their library is there.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const peers = {
  torch: { module: "torch", script: "torch_step.py" },
  jax: { module: "jax", script: "jax_step.py" },
} as const;

export type PeerName = keyof typeof peers;
export const peerNames = Object.keys(peers) as PeerName[];

/** A program that prints nothing for so long is killed: its own limit does not reach into a compiler. */
const silenceMs = 240_000;

/** One measurement of a peer, with its name, the architecture and how it ran. */
export interface PeerLine {
  readonly peer: string;
  readonly arch: string;
  readonly mode: string;
  readonly [figure: string]: unknown;
}

/** @throws where there is no such Python, or it has not the peer's library. */
export function checkPeer(name: PeerName, python: string): void {
  const { module } = peers[name];
  const { status, error, stderr } = spawnSync(python, ["-c", `import ${module}`], { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`${python} cannot import ${module}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
}

/** Gives each measurement to `record` as it comes. @throws where the program ends badly. */
export async function runPeer(
  name: PeerName,
  python: string,
  options: readonly string[],
  threads: number,
  record: (line: PeerLine) => void,
): Promise<void> {
  const { script } = peers[name];
  const file = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  // Libraries for linear algebra have threads of their own beside torch's.
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  const child = spawn(python, [file, ...options], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${script} ended with ${signal ?? `code ${code}`}`));
    });
  });
  const silence = setTimeout(() => child.kill("SIGKILL"), silenceMs);
  for await (const line of createInterface({ input: child.stdout })) {
    silence.refresh();
    record(JSON.parse(line));
  }
  clearTimeout(silence);
  await ended;
}
