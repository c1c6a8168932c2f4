// The edge, with a fetch that answers what the test says.
import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, api, followEvents, toError, whenSignedOut } from "../../dashboards/api.ts";

type Answer = () => Response | Promise<Response>;
interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

function answerWith(...answers: Answer[]): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (!answer) throw new Error("no answer is left");
    return answer();
  });
  return asked;
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

afterEach(() => {
  vi.unstubAllGlobals();
  whenSignedOut(() => undefined);
});

describe("requests", () => {
  test("addresses are relative to the page and identifiers are escaped", async () => {
    const asked = answerWith(() => json({ items: [], nextCursor: null }));
    await api.candidates("a/b", { state: "", sort: "-score", limit: 25, cursor: null });
    expect(asked[0]?.url).toBe("api/v1/searches/a%2Fb/candidates?sort=-score&limit=25");
  });

  test("times become dates, and only times", async () => {
    const worker = {
      id: "2026-01-01T00:00:00Z",
      startedAt: "2026-01-01T00:00:00Z",
      heartbeatAt: "2026-01-01T00:00:01Z",
    };
    answerWith(() => json([worker]));
    const [first] = await api.workers();
    expect(first?.startedAt).toEqual(new Date("2026-01-01T00:00:00Z"));
    expect(first?.id).toBe("2026-01-01T00:00:00Z");
  });

  test("creating a search sends its idempotency key and no key of the API", async () => {
    const asked = answerWith(() => json({ id: "s" }, 201));
    await api.createSearch({ name: "x" }, "once");
    const { method, headers, body } = asked[0]?.init ?? {};
    expect([method, headers, body]).toEqual([
      "POST",
      { "idempotency-key": "once", "content-type": "application/json" },
      '{"name":"x"}',
    ]);
  });

  test("an answer without a body is no error", async () => {
    answerWith(() => new Response(null, { status: 204 }));
    await expect(api.signOut()).resolves.toBeUndefined();
  });
});

describe("errors", () => {
  test("problem details keep their message, code, pointers and request", () => {
    const errors = [{ pointer: "/space/depth", detail: "Too big" }];
    const problem = {
      title: "Unprocessable",
      status: 422,
      code: "CONFIG_INVALID",
      detail: "2 errors",
      errors,
      requestId: "r1",
    };
    const error = toError(422, JSON.stringify(problem));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      message: "2 errors",
      status: 422,
      code: "CONFIG_INVALID",
      refusals: errors,
      requestId: "r1",
    });
  });

  test.each(["<html>Bad Gateway</html>", "", "[]", "null", '"text"'])("the body %j still gives a sentence", (body) => {
    expect(toError(502, body)).toMatchObject({ status: 502, message: "The service answered 502 without saying why." });
  });

  test("a service that cannot be reached has status 0", async () => {
    answerWith(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(api.search("s")).rejects.toMatchObject({ status: 0, code: "UNREACHABLE" });
  });

  test("an answer that is not JSON is an error, not an empty page", async () => {
    answerWith(() => new Response("<!doctype html>"));
    await expect(api.search("s")).rejects.toMatchObject({ code: "NOT_JSON" });
  });

  test("a lost session is told once per request, but a refused key is not a lost session", async () => {
    const tell = vi.fn();
    whenSignedOut(tell);
    answerWith(() => json({ detail: "No session." }, 401));
    await expect(api.signIn("wrong")).rejects.toMatchObject({ status: 401 });
    expect(tell).not.toHaveBeenCalled();
    await expect(api.act("s", "pause")).rejects.toMatchObject({ status: 401 });
    expect(tell).toHaveBeenCalledTimes(1);
  });
});

describe("events", () => {
  const stream = (...texts: string[]) => new Response(new Blob(texts).stream());

  test("a broken stream is resumed after the last event that was seen", async () => {
    vi.useFakeTimers();
    const asked = answerWith(
      () => stream("id: 7\nevent: a\ndata: {}\n\n", "id: 8\nevent: b\ndata: {}\n\nid: 9\nda"),
      () => json({ detail: "down" }, 503),
      () => stream(": nothing new\n\n"),
      () => new Promise<Response>(() => undefined),
    );
    const states: string[] = [];
    let events = 0;
    const stop = followEvents("s", { onEvent: () => (events += 1), onConnection: (state) => states.push(state) });
    await vi.advanceTimersByTimeAsync(5_000);
    stop();
    vi.useRealTimers();
    expect(events).toBe(2);
    expect(asked[0]?.url).toBe("api/v1/events?searchId=s");
    const lastIds = asked.map(({ init }) => (init.headers as Record<string, string>)["last-event-id"]);
    expect(lastIds).toEqual([undefined, "8", "8", "8"]);
    expect(states).toEqual(["live", "reconnecting", "reconnecting", "live", "reconnecting"]);
  });

  test("without a session nothing is tried again", async () => {
    vi.useFakeTimers();
    const asked = answerWith(() => json({ detail: "No session." }, 401));
    followEvents(null, { onEvent: () => undefined, onConnection: () => undefined });
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(asked).toHaveLength(1);
  });
});
