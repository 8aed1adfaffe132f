// OpenAI's Agents SDK for JavaScript as a client of a Realtime server: talks as a plan says and prints what it was told.
// Runs in a folder of its own with @openai/agents-realtime installed, and knows nothing of Vivavoce. Arguments: the URL
// and the file with the plan: {"agent": {name, instructions}, "config": {...}, "steps": [...]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));
const { RealtimeAgent, RealtimeSession, tool } = require("@openai/agents-realtime");
const { z } = require("zod");
// What the SDK drops without a word, it is asked about here.
const readers = join(process.cwd(), "node_modules/@openai/agents-realtime/dist/openaiRealtimeEvents.mjs");
const { parseRealtimeEvent } = await import(pathToFileURL(readers));

const WAIT_MS = 20_000;
const BYTES_PER_MS = 48;
const FRAME_BYTES = 40 * BYTES_PER_MS;
const TOLD = [
  "agent_start", "agent_end", "agent_tool_start", "agent_tool_end", "audio_start", "audio_stopped", "audio_interrupted",
  "history_added",
];

const [url, plan] = [process.argv[2], JSON.parse(readFileSync(process.argv[3], "utf-8"))];
const told = { events: [], told: [], dropped: [], errors: [], history: [], audio_bytes: 0 };
let [seen, changed, unplayed] = [0, () => {}, 0];

function switchOn({ what }) {
  return `The ${what} is on now.`;
}

const parameters = z.object({ what: z.string() });
const switchTool = tool({ name: "switch", description: "Switch a thing on.", parameters, execute: switchOn });
const session = new RealtimeSession(new RealtimeAgent({ ...plan.agent, tools: [switchTool] }), {
  tracingDisabled: true,
  transport: "websocket",
  config: plan.config,
});
session.on("transport_event", (event) => {
  if (event.type === "connection_change") return;
  told.events.push(event);
  if (parseRealtimeEvent({ data: JSON.stringify(event) }).isGeneric) told.dropped.push(event);
  changed();
});
session.on("audio", (event) => {
  told.audio_bytes += event.data.byteLength;
  unplayed += event.data.byteLength;
});
session.on("error", ({ error }) => told.errors.push(String(error?.message ?? JSON.stringify(error))));
for (const name of TOLD) {
  session.on(name, () => {
    told.told.push(name);
    changed();
  });
}

async function until(holds, what) {
  const end = Date.now() + WAIT_MS;
  while (!holds()) {
    const left = end - Date.now();
    if (left <= 0) throw new Error(`no ${what} in ${told.events.slice(seen).map((event) => event.type)}; ${told.told}`);
    await Promise.race([new Promise((resolve) => (changed = resolve)), sleep(left, null, { ref: false })]);
  }
}

function next(type) {
  const at = told.events.findIndex((event, index) => index >= seen && event.type === type);
  if (at >= 0) seen = at + 1;
  return at >= 0;
}

const words = (item) => (item.content ?? []).map((part) => part.transcript ?? part.text ?? "").join("");

const does = {
  say: async (path) => {
    const sound = readFileSync(path);
    for (let at = 0; at < sound.length; at += FRAME_BYTES) {
      session.sendAudio(Uint8Array.from(sound.subarray(at, at + FRAME_BYTES)).buffer);
      await sleep(FRAME_BYTES / BYTES_PER_MS);
    }
  },
  write: (text) => session.sendMessage(text),
  until: (type) => until(() => next(type), type),
  words: (expected) => until(() => session.history.map(words).some((said) => said === expected), `words ${expected}`),
  sleep_ms: (ms) => sleep(ms),
  play: async () => {
    const ms = unplayed / BYTES_PER_MS;
    unplayed = 0;
    await sleep(ms);
  },
  interrupt: () => session.interrupt(),
  instructions: (instructions) => session.updateAgent(new RealtimeAgent({ ...plan.agent, instructions })),
};

try {
  await session.connect({ apiKey: "any", url });
  for (const step of plan.steps) for (const [action, value] of Object.entries(step)) await does[action](value);
} catch (error) {
  told.errors.push(String(error?.stack ?? error));
}
told.history = session.history.map((item) => ({ type: item.type, role: item.role, words: words(item), output: item.output }));
session.close();
process.stdout.write(JSON.stringify(told), () => process.exit(0));
