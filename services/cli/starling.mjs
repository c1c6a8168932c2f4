#!/usr/bin/env node
// Starts the command line: compiled JavaScript where it was built, TypeScript through tsx otherwise.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const compiled = new URL("../../dist/services/cli/main.js", import.meta.url);
if (existsSync(fileURLToPath(compiled))) {
  await import(compiled.href);
} else {
  const { register } = await import("tsx/esm/api");
  register();
  await import(new URL("./main.ts", import.meta.url).href);
}
