import fc from "fast-check";
import { expect, test } from "vitest";
import { readEvents, type StreamEvent } from "../../dashboards/sse.ts";

/** A comment, a mere place, three events, one without data, and every kind of line end. */
const text =
  ': heartbeat\n\nretry: 2000\nid: 0\n\nid: 1\nevent: candidate.finished\ndata: {"a":1}\n\nid: 2\r\ndata: first\r\ndata:second ü\r\n\r\nevent: empty\n\nid\rdata\r\rdata: cut off';
const expected: StreamEvent[] = [
  { id: "0", type: "", data: null },
  { id: "1", type: "candidate.finished", data: '{"a":1}' },
  { id: "2", type: "message", data: "first\nsecond ü" },
  { id: "", type: "message", data: "" },
];

async function read(chunks: readonly Uint8Array[]): Promise<StreamEvent[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: StreamEvent[] = [];
  for await (const event of readEvents(stream)) events.push(event);
  return events;
}

test("events are the same wherever the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(text);
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      const ends = [0, ...places.sort((a, b) => a - b), bytes.length];
      const chunks = ends.slice(1).map((end, i) => bytes.slice(ends[i], end));
      expect(await read(chunks)).toEqual(expected);
    }),
  );
});
