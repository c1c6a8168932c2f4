// The NVIDIA GPUs of this machine, as their driver's own tool lists them.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface GpuDevice {
  readonly name: string;
  readonly memoryBytes: number;
}

const query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];

/** None where there is no driver. */
export async function nvidiaDevices(): Promise<GpuDevice[]> {
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 });
    return parseDevices(stdout);
  } catch {
    return [];
  }
}

/** A line for each: the name, and MiB of memory. */
export function parseDevices(text: string): GpuDevice[] {
  return text.split("\n").flatMap((line) => {
    const [, name, mebibytes] = /^(.+), (\d+)$/.exec(line.trim()) ?? [];
    return name ? [{ name, memoryBytes: Number(mebibytes) * 2 ** 20 }] : [];
  });
}
