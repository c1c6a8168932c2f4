// What a test may need beyond Node and npm. Where it is missing the suite is skipped and says why;
// under REQUIRE_ALL=1 (as in .ci/run) it fails instead.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
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

/** Debian installs torch for its own interpreter, which another python3 in PATH may hide. */
export function pythonPath(): string {
  return existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}
