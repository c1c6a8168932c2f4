// Reads a request body: UTF-8 without faults, JSON without surprises.
//
// JSON.parse decides what is JSON; one pass over the text finds what it accepts in silence: a key given twice, a key
// that reaches a prototype, nesting without end, characters that Postgres cannot store.

/** A body that is refused before any schema sees it. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** JSON pointer to the place, "" where there is none. */
  readonly pointer: string;

  constructor(message: string, pointer = "") {
    super(message);
    this.pointer = pointer;
  }
}

export const maximumDepth = 32;

const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"]);
/** NUL, which Postgres refuses in text, and half of a surrogate pair, which is no character. */
const unstorable = /[\0\p{Surrogate}]/u;

export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError(`the body is not JSON: ${shorten((error as Error).message)}`);
  }
  inspect(text);
  return value;
}

/** Escapes one key for a JSON pointer (RFC 6901) and puts the slash before it. */
export function pointerTo(...path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function decode(bytes: Uint8Array): string {
  try {
    // A byte order mark stays in the text, where JSON.parse refuses it (RFC 8259 section 8.1).
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("the body is not UTF-8");
  }
}

/** An open object, with the keys seen so far, or an open array; `at` is the present key or index. */
interface Level {
  readonly keys: Set<string> | null;
  at: string | number;
}

/** Walks over text that is known to be JSON. */
function inspect(text: string): void {
  const levels: Level[] = [];
  let keyFollows = false;
  const pointer = () => pointerTo(...levels.map((level) => level.at));

  for (let i = 0; i < text.length; i++) {
    const level = levels.at(-1);
    switch (text[i]) {
      case "{":
      case "[":
        if (levels.length === maximumDepth) {
          throw new JsonError(`the body is nested deeper than ${maximumDepth} levels`, pointer());
        }
        keyFollows = text[i] === "{";
        levels.push(keyFollows ? { keys: new Set(), at: "" } : { keys: null, at: 0 });
        break;
      case "}":
      case "]":
        levels.pop();
        keyFollows = false;
        break;
      case ",":
        if (typeof level?.at === "number") level.at += 1;
        else keyFollows = true;
        break;
      case '"': {
        const end = endOfString(text, i);
        const string = JSON.parse(text.slice(i, end + 1)) as string;
        if (keyFollows && level?.keys) {
          level.at = string;
          if (level.keys.has(string)) throw new JsonError("the key is given twice", pointer());
          if (forbiddenKeys.has(string)) throw new JsonError(`the key ${string} is not allowed`, pointer());
          level.keys.add(string);
          keyFollows = false;
        }
        if (unstorable.test(string)) {
          throw new JsonError("the text has a NUL or half of a surrogate pair in it", pointer());
        }
        i = end;
        break;
      }
    }
  }
}

/** Index of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}

function shorten(message: string): string {
  return message.length > 160 ? `${message.slice(0, 157)}...` : message;
}
