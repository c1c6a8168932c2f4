// Server-sent events from a byte stream, after the WHATWG's "event stream interpretation".
//
// The browser's EventSource delivers named events only to listeners of that name and hides why it was refused;
// reading the stream ourselves gives every event and the status of a refusal.

export interface StreamEvent {
  /** Where to resume after this one. */
  readonly id: string;
  readonly type: string;
  /** Null for a mere new place in the stream, which is not an event. */
  readonly data: string | null;
}

/** Yields each event as its closing empty line arrives; comments (heartbeats) are passed over. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let id = "";
  let type = "";
  let data: string[] = [];
  let moved = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A carriage return at the very end may be the first half of CRLF: it waits for the next bytes.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { id, type: type || "message", data: data.join("\n") };
          else if (moved) yield { id, type: "", data: null };
          type = "";
          data = [];
          moved = false;
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "id") {
          id = content;
          moved = true;
        } else if (field === "event") type = content;
        else if (field === "data") data.push(content);
      }
    }
  } finally {
    // The stream may already have failed; that error has been thrown by `read`.
    reader.cancel().catch(() => undefined);
  }
}
