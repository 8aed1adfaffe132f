// The AWS JavaScript SDK as a peer: talks as a plan says and prints what it was told. Runs in a folder of its own with
// @aws-sdk/client-bedrock-runtime installed, and knows nothing of Vivavoce. Arguments: the endpoint, and the file with
// the plan (see tests/contract/plans.py). aws_python.py is the same in the other language.
import { readFileSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { BedrockRuntimeClient, InvokeModelWithBidirectionalStreamCommand } = require("@aws-sdk/client-bedrock-runtime");

const CHUNK_BYTES = 1024; // 32 ms
const CHUNK_MS = CHUNK_BYTES / 2 / 16;

class Talk {
  constructor(plan) {
    this.plan = plan;
    this.prompt = randomUUID();
    this.audio = randomUUID();
    this.queue = [];
    this.toSay = [];
    this.received = [];
    this.spoken = [];
    this.counts = {};
    this.waiting = [];
    this.over = false;
  }

  send(name, members) {
    this.queue.push(new TextEncoder().encode(JSON.stringify({ event: { [name]: members } })));
    this.wake();
  }

  wake() {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  change() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async *input() {
    while (!this.over || this.queue.length) {
      while (this.queue.length) yield { chunk: { bytes: this.queue.shift() } };
      if (!this.over) await this.change();
    }
  }

  block(opening, payload, content) {
    const ids = { promptName: this.prompt, contentName: randomUUID() };
    this.send("contentStart", { ...ids, ...opening });
    this.send(payload, { ...ids, content });
    this.send("contentEnd", ids);
  }

  text(role, text, interactive) {
    const textInputConfiguration = { mediaType: "text/plain" };
    this.block({ type: "TEXT", interactive, role, textInputConfiguration }, "textInput", text);
  }

  begin() {
    const lpcm = { mediaType: "audio/lpcm", sampleSizeBits: 16, channelCount: 1, encoding: "base64", audioType: "SPEECH" };
    this.send("sessionStart", { inferenceConfiguration: { maxTokens: 1024, topP: 0.9, temperature: 1 } });
    this.send("promptStart", {
      promptName: this.prompt,
      textOutputConfiguration: { mediaType: "text/plain" },
      audioOutputConfiguration: { ...lpcm, sampleRateHertz: this.plan.rate_hz, voiceId: "tiffany" },
      toolUseOutputConfiguration: { mediaType: "application/json" },
      toolConfiguration: { tools: this.plan.tools },
    });
    this.text("SYSTEM", this.plan.system, false);
    this.send("contentStart", {
      promptName: this.prompt,
      contentName: this.audio,
      type: "AUDIO",
      interactive: true,
      role: "USER",
      audioInputConfiguration: { ...lpcm, sampleRateHertz: 16000 },
    });
  }

  async microphone() {
    let due = performance.now();
    while (!this.over) {
      const piece = this.toSay.shift() ?? Buffer.alloc(CHUNK_BYTES);
      this.send("audioInput", { promptName: this.prompt, contentName: this.audio, content: piece.toString("base64") });
      due += CHUNK_MS;
      await sleep(Math.max(0, due - performance.now()));
    }
  }

  async listen(body) {
    for await (const { chunk } of body) {
      if (!chunk?.bytes) continue;
      const [[name, event]] = Object.entries(JSON.parse(new TextDecoder().decode(chunk.bytes)).event);
      if (name === "audioOutput") {
        const pcm = Buffer.from(event.content, "base64");
        this.spoken.push(pcm);
        event.content = pcm.length;
        this.count("audio");
      } else if (name === "contentEnd") {
        this.count(`${event.type} ${event.stopReason}`);
      } else if (name === "toolUse") {
        this.answer(event);
      }
      this.received.push({ name, ...event });
      this.wake();
    }
  }

  answer(use) {
    JSON.parse(use.content);
    const toolResultInputConfiguration = {
      toolUseId: use.toolUseId,
      type: "TEXT",
      textInputConfiguration: { mediaType: "text/plain" },
    };
    const result = JSON.stringify(this.plan.results[use.toolName]);
    this.block({ type: "TOOL", interactive: false, role: "TOOL", toolResultInputConfiguration }, "toolResult", result);
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async follow(step) {
    const before = this.counts[step.until] ?? 0;
    if (step.text !== undefined) {
      this.text("USER", step.text, true);
    } else {
      const pcm = readFileSync(step.say);
      for (let at = 0; at < pcm.length; at += CHUNK_BYTES) this.toSay.push(pcm.subarray(at, at + CHUNK_BYTES));
    }
    const limit = performance.now() + 30_000;
    while ((this.counts[step.until] ?? 0) === before && !this.over) {
      if (performance.now() > limit) throw new Error(`no ${step.until}`);
      await Promise.race([this.change(), sleep(1000)]);
    }
    await sleep((step.then_s ?? 0) * 1000);
  }

  close() {
    this.send("contentEnd", { promptName: this.prompt, contentName: this.audio });
    this.send("promptEnd", { promptName: this.prompt });
    this.send("sessionEnd", {});
    this.over = true;
    this.wake();
  }
}

async function main(endpoint, plan) {
  const client = new BedrockRuntimeClient({ region: "us-east-1", endpoint, maxAttempts: 1 });
  const talk = new Talk(plan);
  let error = "";
  try {
    talk.begin();
    const command = new InvokeModelWithBidirectionalStreamCommand({ modelId: plan.model_id, body: talk.input() });
    const response = await client.send(command);
    const listening = talk.listen(response.body);
    talk.microphone();
    const following = (async () => {
      for (const step of plan.steps) await talk.follow(step);
      talk.close();
    })();
    await Promise.all([listening, following]);
  } catch (raised) {
    error = `${raised.name}: ${raised.message}`;
    if (!plan.may_fail) throw raised;
  } finally {
    talk.over = true;
    talk.wake();
  }
  writeFileSync(plan.spoken, Buffer.concat(talk.spoken));
  console.log(JSON.stringify({ received: talk.received, error }));
  client.destroy();
}

await main(process.argv[2], JSON.parse(readFileSync(process.argv[3], "utf8")));
