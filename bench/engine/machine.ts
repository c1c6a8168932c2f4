// What a measurement was made on, and what it holds of it.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import type { PjrtEngine } from "../../workers/engine/pjrt/engine.ts";
import type { Engine } from "../../workers/engine/types.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly gigabytes: number;
  readonly node: string;
  /** NVIDIA's, with their driver. */
  readonly gpus: readonly string[];
}

export async function describeMachine(): Promise<Machine> {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    gigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    gpus: await gpuLines(),
  };
}

const gpuQuery = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];

async function gpuLines(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", gpuQuery, { timeout: 10_000 });
    return stdout.trim().split("\n");
  } catch {
    return [];
  }
}

export interface DeviceMemory {
  readonly usedBytes: number;
  readonly peakBytes: number;
}

/** Of this process on the engine's device, where its client counts. */
export function deviceMemory(engine: Engine): DeviceMemory | undefined {
  return (engine as Partial<PjrtEngine>).client?.memory();
}

/** The software behind an engine, and its device, where its client knows. */
export function describeDevice(engine: Engine): Record<string, string> {
  const client = (engine as Partial<PjrtEngine>).client;
  return client ? { device: client.deviceKind, platform: client.platformVersion.split("\n").at(-1) ?? "" } : {};
}

/** The most that this process held. Linux lets `maxRSS` begin with what the parent held, so its own count is asked for. */
export function peakResidentBytes(): number {
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kibibytes) return 1024 * Number(kibibytes);
  } catch {
    // not Linux
  }
  return 1024 * process.resourceUsage().maxRSS;
}

export function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
