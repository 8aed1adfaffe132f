/** The call's timeline as the server tells it: server-sent events, read with fetch so that the secret can be a header. */

const RETRY_MS = 400;
const TRIES = 20;

/** Yields the JSON objects of one event stream, each with its sequence number. */
export async function* readEvents(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let id = "";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("id:")) id = line.slice(3).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return data.length ? { id, fact: JSON.parse(data.join("\n")) } : null;
}

/**
 * Follows a call to its end. `seen` hears every fact; `available` hears once whether there is a timeline at all.
 * Returns when the call is over, the signal aborts, or the stream stays away.
 */
export async function followTimeline({ id, secret, signal, seen, available }) {
  const stream = new Following(id, secret, signal, seen);
  for (let failures = 0; failures < TRIES && !stream.over && !signal.aborted; failures += 1) {
    const began = await stream.open();
    if (began === false) break;
    if (began) {
      available(true);
      failures = 0;
      await stream.read();
    }
    if (!stream.over && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  if (!stream.found && !signal.aborted) available(false);
}

class Following {
  #headers;
  #body = null;
  #last = "";

  constructor(id, secret, signal, seen) {
    this.url = `v1/calls/${encodeURIComponent(id)}/timeline`;
    this.signal = signal;
    this.seen = seen;
    this.found = false;
    this.over = false;
    this.#headers = { Accept: "text/event-stream", ...(secret ? { Authorization: `Bearer ${secret}` } : {}) };
  }

  /** True when it is there, null when it may be there later (a call may begin after its session), false when it is not for us. */
  async open() {
    const headers = this.#last ? { ...this.#headers, "Last-Event-ID": this.#last } : this.#headers;
    try {
      const response = await fetch(this.url, { headers, signal: this.signal, cache: "no-store" });
      if (!response.ok) return response.status === 404 && !this.found ? null : false;
      this.#body = response.body;
      return (this.found = true);
    } catch {
      return null;
    }
  }

  /** To the end of the stream, which may have broken: then the rest is asked for. */
  async read() {
    try {
      for await (const event of readEvents(this.#body)) {
        this.#last = event.id || this.#last;
        this.over ||= event.fact.type === "CloseCall";
        this.seen(event.fact);
      }
    } catch {
      // taken up again where it broke
    }
  }
}
