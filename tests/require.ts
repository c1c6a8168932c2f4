// What a test may need beyond Node and npm. Where it is missing the suite is skipped and says why;
// under REQUIRE_ALL=1 (as in .ci/run) it fails instead.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Records of the published code, laid out like the folder's own README says. */
export const referenceFolder =
  process.env.STARLING_REFERENCE ?? fileURLToPath(new URL("../../shared/reference", import.meta.url));

const packageFile = fileURLToPath(new URL("../package.json", import.meta.url));

const requirements = {
  reference: {
    present: () => existsSync(`${referenceFolder}/index.json`),
    reason: `no reference records at ${referenceFolder} (set STARLING_REFERENCE)`,
  },
  redis: {
    present: () => spawnSync("redis-server", ["--version"]).status === 0,
    reason: "redis-server is not installed (Debian: redis-server)",
  },
  chromium: {
    present: () => chromiumPath() !== undefined,
    reason: "no Chromium found (Debian: chromium; or set CHROMIUM_PATH)",
  },
  torch: {
    present: () => spawnSync(pythonPath(), ["-c", "import torch"]).status === 0,
    reason: "python3 has no torch (Debian: python3-torch)",
  },
  vulkan: {
    present: () =>
      vulkanDriver() !== undefined &&
      spawnSync(process.execPath, ["-e", loadVulkan], { cwd: dirname(packageFile) }).status === 0,
    reason: "no Vulkan loader (Debian: libvulkan1) or no driver (Debian: chromium brings one; or set VK_DRIVER_FILES)",
  },
  compiler: {
    present: () => spawnSync("cc", ["--version"]).status === 0,
    reason: "there is no C compiler `cc` (Debian: gcc)",
  },
  otherUsers: {
    present: () => spawnSync("test", ["-r", packageFile], { uid: 65534, gid: 65534 }).status === 0,
    reason: "only root may run as other users, and those must be able to read this folder",
  },
} as const;

export type Requirement = keyof typeof requirements;

/** `describe`, run only where the requirement is met. */
export function describeWith(requirement: Requirement, name: string, body: () => void): void {
  const { present, reason } = requirements[requirement];
  if (present()) {
    describe(name, body);
  } else if (process.env.REQUIRE_ALL === "1") {
    describe(name, () => {
      test("what it needs is installed", () => expect.fail(reason));
    });
  } else {
    console.warn(`skipped: ${name}: ${reason}`);
    // Its body is not run: it may read what is missing.
    describe(name, () => {
      test.skip(`needs: ${reason}`, () => undefined);
    });
  }
}

export function chromiumPath(): string | undefined {
  const places = [
    process.env.CHROMIUM_PATH,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  return places.find((place) => place !== undefined && existsSync(place));
}

/** The description of a Vulkan driver: the one that the environment names, or Chromium's own, which is software. */
export function vulkanDriver(): string | undefined {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (named !== undefined) return named;
  const browser = chromiumPath();
  const folders = ["/usr/lib/chromium", ...(browser === undefined ? [] : [dirname(browser)])];
  return folders.map((folder) => `${folder}/vk_swiftshader_icd.json`).find((file) => existsSync(file));
}

const loadVulkan = `require("koffi").load("libvulkan.so.1")`;

/** Debian installs torch for its own interpreter, which another python3 in PATH may hide. */
export function pythonPath(): string {
  return existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}
