import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { nvidiaDevices, parseDevices } from "../../../workers/engine/nvidia.ts";

afterEach(() => vi.unstubAllEnvs());

test("a line of nvidia-smi is a device", () => {
  expect(parseDevices("NVIDIA H100 80GB HBM3, 81559\nTesla T4, 15360\n")).toEqual([
    { name: "NVIDIA H100 80GB HBM3", memoryBytes: 81559 * 2 ** 20 },
    { name: "Tesla T4", memoryBytes: 15360 * 2 ** 20 },
  ]);
});

test("what is no device is passed over", () => {
  expect(parseDevices("No devices were found\n\nGPU, [N/A]\n")).toEqual([]);
});

test("the driver's tool is asked, and none means no device", async () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-nvidia-"));
  try {
    vi.stubEnv("PATH", folder);
    expect(await nvidiaDevices()).toEqual([]);
    writeFileSync(join(folder, "nvidia-smi"), "#!/bin/sh\necho 'Tesla T4, 15360'\n");
    chmodSync(join(folder, "nvidia-smi"), 0o755);
    expect(await nvidiaDevices()).toEqual([{ name: "Tesla T4", memoryBytes: 15360 * 2 ** 20 }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
