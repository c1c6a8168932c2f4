import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonError, maximumDepth, parseJson, pointerTo } from "../../../services/api/json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function refusal(body: Uint8Array | string): JsonError {
  try {
    parseJson(typeof body === "string" ? bytes(body) : body);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error(`accepted: ${body}`);
}

test("any JSON value with distinct harmless keys comes through unchanged", () => {
  const harmless = fc.string({ unit: "grapheme" }).filter((text) => !/[\0\p{Surrogate}]/u.test(text));
  const key = harmless.filter((text) => !["__proto__", "constructor", "prototype"].includes(text));
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      harmless,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie("list"),
      tie("record"),
    ),
    list: fc.array(tie("node"), { maxLength: 4 }),
    record: fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
  })).node;
  fc.assert(
    fc.property(value, (json) => {
      expect(parseJson(bytes(JSON.stringify(json, null, 1)))).toEqual(JSON.parse(JSON.stringify(json)));
    }),
    { numRuns: 200 },
  );
});

describe("a body is refused with the place of its fault", () => {
  test.each([
    ["empty", "", "", /not JSON/],
    ["truncated", '{"a":', "", /not JSON/],
    ["two values", "{} {}", "", /not JSON/],
    ["a comment", "{/**/}", "", /not JSON/],
    ["NaN", '{"a":NaN}', "", /not JSON/],
    ["a byte order mark", "\ufeff{}", "", /not JSON/],
    ["a key twice", '{"a":1,"b":{"x":[1,{"c":1,"c":2}]}}', "/b/x/1/c", /twice/],
    ["a key twice, once in disguise", '{"a":1,"\\u0061":2}', "/a", /twice/],
    ["__proto__", '{"space":{"__proto__":{"x":1}}}', "/space/__proto__", /__proto__ is not allowed/],
    ["__proto__ in disguise", '{"\\u005f_proto__":1}', "/__proto__", /not allowed/],
    ["constructor.prototype", '[{"constructor":{"prototype":{}}}]', "/0/constructor", /not allowed/],
    ["NUL", '{"name":"a\\u0000b"}', "/name", /NUL/],
    ["half of a surrogate pair", '{"list":["ok","\\ud800"]}', "/list/1", /surrogate/],
    ["a key with half of a surrogate pair", '{"\\udc00":1}', "/\udc00", /surrogate/],
  ])("%s", (_, body, pointer, message) => {
    const error = refusal(body);
    expect(error.message).toMatch(message);
    expect(error.pointer).toBe(pointer);
  });

  test("bytes that are not UTF-8", () => {
    expect(refusal(new Uint8Array([0x22, 0xc3, 0x28, 0x22])).message).toMatch(/not UTF-8/);
  });
});

test("the deepest allowed nesting passes and one level more does not", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  expect(() => parseJson(bytes(nested(maximumDepth)))).not.toThrow();
  expect(refusal(nested(maximumDepth + 1)).message).toMatch(/nested deeper than 32/);
  expect(refusal(nested(100_000)).message).toMatch(/nested deeper than 32/);
});

test("a quote, a brace or a comma inside a text is no structure", () => {
  const body = '{"a":"},{\\"a\\":[\\\\","b":"a"}';
  expect(parseJson(bytes(body))).toEqual({ a: '},{"a":[\\', b: "a" });
});

test("equal keys in sibling objects are not duplicates", () => {
  expect(parseJson(bytes('[{"a":1},{"a":{"a":[]}},{"b":"a","a":"b"}]'))).toHaveLength(3);
});

test("pointers escape as RFC 6901 says", () => {
  expect(pointerTo("a/b", "m~n", 0, "")).toBe("/a~1b/m~0n/0/");
  expect(pointerTo()).toBe("");
});
