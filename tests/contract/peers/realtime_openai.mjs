// The openai package for JavaScript as a client of a Realtime server, over TLS, which it insists on: one written turn and
// one spoken. Runs in a folder of its own with openai and ws installed, and knows nothing of Vivavoce. Arguments: the
// base URL, the model, and a file with what to say (PCM of 24 kHz). Prints all that it was told.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(join(process.cwd(), "package.json"));
const { OpenAI } = require("openai");
const { OpenAIRealtimeWS } = require("openai/realtime/ws");

const WAIT_MS = 20_000;
const FRAME_BYTES = 1920; // 40 ms

const [baseURL, model, path] = process.argv.slice(2);
const told = { events: [], errors: [] };
const waiting = new Map();
const realtime = new OpenAIRealtimeWS({ model }, new OpenAI({ apiKey: "any", baseURL }));
realtime.on("event", (event) => {
  told.events.push(event);
  waiting.get(event.type)?.();
});
realtime.on("error", (error) => told.errors.push(String(error?.message ?? error)));

function next(type) {
  const came = new Promise((resolve) => waiting.set(type, resolve));
  const late = sleep(WAIT_MS, null, { ref: false }).then(() => {
    throw new Error(`no ${type} in ${told.events.map((event) => event.type)}`);
  });
  return Promise.race([came, late]);
}

try {
  await next("session.created");
  const updated = next("session.updated");
  const input = { transcription: { model: "whisper-1" } };
  realtime.send({ type: "session.update", session: { type: "realtime", audio: { input } } });
  await updated;
  let done = next("response.done");
  const content = [{ type: "input_text", text: "Which are open?" }];
  realtime.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  realtime.send({ type: "response.create" });
  await done;
  done = next("response.done");
  const sound = readFileSync(path);
  for (let at = 0; at < sound.length; at += FRAME_BYTES) {
    const audio = sound.subarray(at, at + FRAME_BYTES).toString("base64");
    realtime.send({ type: "input_audio_buffer.append", audio });
    await sleep(40);
  }
  await done;
} catch (error) {
  told.errors.push(String(error?.stack ?? error));
}
realtime.close({ code: 1000, reason: "done" });
process.stdout.write(JSON.stringify(told), () => process.exit(0));
