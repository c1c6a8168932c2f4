// The palette: which operators exist, with every value of their options.
import { operatorNames, paletteEntry } from "../../../genome/index.ts";
import type { Api } from "../api.ts";
import { type OperatorInfo, operatorInfo, page } from "../schemas.ts";

export function routeOperators(app: Api): void {
  const items = operatorNames.map(describe);
  app.get(
    "/operators",
    { schema: { tags: ["Genomes"], summary: "The palette", response: { 200: page(operatorInfo) } } },
    async () => ({ items, nextCursor: null }),
  );
}

function describe(name: (typeof operatorNames)[number]): OperatorInfo {
  const { liv, title, mixes, paper, options, defaults } = paletteEntry(name);
  const copies = Object.entries(options).map(([option, values]) => [option, [...values]]);
  return { name, liv, title, mixes, paper, options: Object.fromEntries(copies), defaults: { ...defaults } };
}
