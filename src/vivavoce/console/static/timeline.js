/** The call's timeline as the server tells it: server-sent events, read with fetch so that the secret can be a header. */

const RETRY_MS = 1000;
const TRIES = 3;

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
  let last = "";
  let answered = false;
  let over = false;
  for (let failures = 0; failures < TRIES && !signal.aborted; ) {
    try {
      const headers = { Accept: "text/event-stream" };
      if (secret) headers.Authorization = `Bearer ${secret}`;
      if (last) headers["Last-Event-ID"] = last;
      const response = await fetch(`v1/calls/${encodeURIComponent(id)}/timeline`, { headers, signal, cache: "no-store" });
      if (!answered) available((answered = response.ok));
      if (!response.ok) return;
      failures = 0;
      for await (const event of readEvents(response.body)) {
        last = event.id || last;
        seen(event.fact);
        over ||= event.fact.type === "CloseCall";
      }
      if (over) return;
    } catch {
      // a broken stream is taken up again where it broke
    }
    failures += 1;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  if (!answered && !signal.aborted) available(false);
}
