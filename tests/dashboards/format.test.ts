import { describe, expect, test } from "vitest";
import {
  formatAge,
  formatBytes,
  formatCompact,
  formatDuration,
  formatNumber,
  formatScore,
  formatShare,
  humanize,
  plural,
} from "../../dashboards/format.ts";

describe("numbers", () => {
  test("large counts are shortened and small ones are exact", () => {
    expect([0, 999, 66_048, 1_234_567].map(formatCompact)).toEqual(["0", "999", "66K", "1.23M"]);
  });

  test("bytes are counted in powers of 1024", () => {
    expect([0, 512, 1024, 1536, 24_576, 4 * 1024 ** 2, 3.5 * 1024 ** 3].map(formatBytes)).toEqual([
      "0 B",
      "512 B",
      "1 KiB",
      "1.5 KiB",
      "24 KiB",
      "4 MiB",
      "3.5 GiB",
    ]);
  });

  test("an unknown value is a dash, not a zero", () => {
    expect([
      formatCompact(null),
      formatBytes(null),
      formatScore(null),
      formatDuration(null),
      formatNumber(null),
    ]).toEqual(["–", "–", "–", "–", "–"]);
  });

  test("a small share is not rounded away, and nothing of nothing is none", () => {
    expect([formatShare(1, 1000), formatShare(0, 1000), formatShare(1, 3), formatShare(0, 0)]).toEqual([
      "<1%",
      "0%",
      "33%",
      "0%",
    ]);
  });

  test("one is singular", () => {
    expect([plural(1, "worker"), plural(0, "worker"), plural(1200, "worker")]).toEqual([
      "1 worker",
      "0 workers",
      "1,200 workers",
    ]);
  });
});

describe("times", () => {
  test("durations have their two largest units", () => {
    expect([0, 0.26, 42, 60, 734, 3_700, 86_400, 90_061].map(formatDuration)).toEqual([
      "0 s",
      "0.3 s",
      "42 s",
      "1 min",
      "12 min 14 s",
      "1 h 1 min",
      "1 d",
      "1 d 1 h",
    ]);
  });

  test("an age says its largest unit, and a clock ahead of ours says just now", () => {
    const now = new Date("2026-01-02T00:00:00Z");
    const age = (text: string) => formatAge(new Date(text), now);
    expect(age("2026-01-01T23:59:58Z")).toBe("just now");
    expect(age("2026-01-02T00:00:09Z")).toBe("just now");
    expect(age("2026-01-01T23:57:00Z")).toBe("3 min ago");
    expect(age("2025-12-31T00:00:00Z")).toBe("2 d ago");
  });
});

test("names of the wire read as words", () => {
  expect(["worker-lost", "known-design", "flopsPerToken", "noisy-in-context-recall"].map(humanize)).toEqual([
    "Worker lost",
    "Known design",
    "Flops per token",
    "Noisy recall",
  ]);
});
