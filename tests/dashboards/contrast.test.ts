// Text must be readable on every ground it stands on, in both schemes (WCAG 2.2, 1.4.3: 4.5 to 1).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../../dashboards/style.css", import.meta.url), "utf8");
const [light = {}, dark = {}] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, body = ""]) =>
  Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value])),
);

const texts = ["ink", "ink-2", "ink-3", "accent", "accent-strong", "known-ink", "running", "failed"];
const grounds = ["paper", "surface", "sunken", "raised"];

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ["light", light],
  ["dark", { ...light, ...dark }],
])("%s", (_, colours: Record<string, string>) => {
  test.each(texts.flatMap((text) => grounds.map((ground) => [text, ground] as const)))("%s on %s", (text, ground) => {
    expect(contrast(colours[text] ?? "", colours[ground] ?? "")).toBeGreaterThanOrEqual(4.5);
  });

  test("a button's text on the button", () => {
    expect(contrast(colours["on-accent"] ?? "", colours.accent ?? "")).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.surface ?? "", colours.failed ?? "")).toBeGreaterThanOrEqual(4.5);
  });
});
