import { expect, test } from "vitest";
import { examplesOf, scored } from "./examples.ts";

test("the targets after the copy token are the content tokens in order", async () => {
  const { setting, train, test: examples } = await examplesOf("selective-copying", { length: 51, tokensToCopy: 9 });
  for (const { inputs, targets } of [...train, ...examples]) {
    const copyToken = setting.vocabulary - 1;
    const blank = setting.vocabulary - 2;
    const at = inputs.indexOf(copyToken);
    expect(at).toBe(51 - 9 - 1);
    const content = inputs.slice(0, at).filter((token) => token !== blank);
    expect(targets.slice(at + 1)).toEqual(content);
    expect(inputs.slice(at + 1)).toEqual(Array(9).fill(blank));
    expect(scored({ inputs, targets })).toEqual(Array.from({ length: 9 }, (_, i) => at + 1 + i));
    expect(inputs[at - 1]).not.toBe(blank); // a quirk of the published generator
  }
});

test("impossible options are refused with the option and its value", async () => {
  await expect(examplesOf("selective-copying", { length: 33 })).rejects.toThrow("length 33");
  await expect(examplesOf("selective-copying", { tokensToCopy: 0 })).rejects.toThrow("tokensToCopy 0");
  await expect(examplesOf("selective-copying", { vocabulary: 2 })).rejects.toThrow("vocabulary 2");
});
