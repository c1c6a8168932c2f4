// Reads the published records of one kind for tests.
import { readdirSync, readFileSync } from "node:fs";
import type { ReferenceRecord } from "../../../operators/reference-case.ts";
import { readSafetensors } from "../../../operators/safetensors.ts";
import { referenceFolder } from "../../require.ts";

export function recordsOf(kind: "mad" | "training"): ReferenceRecord[] {
  const folder = `${referenceFolder}/${kind}`;
  return readdirSync(folder).flatMap((system) =>
    readdirSync(`${folder}/${system}`)
      .filter((file) => file.endsWith(".json"))
      .map((file) => {
        const path = `${folder}/${system}/${file.slice(0, -".json".length)}`;
        return {
          system,
          case: file.slice(0, -".json".length),
          description: JSON.parse(readFileSync(`${path}.json`, "utf8")) as Record<string, unknown>,
          tensors: readSafetensors(new Uint8Array(readFileSync(`${path}.safetensors`))),
        };
      }),
  );
}
