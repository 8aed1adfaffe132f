/** The page's ears and mouth for the length of a call: one audio context, what plays in it, and both sides' levels. */

export const RATE_HZ = 24000; // the protocol's, and so the context's

const WORKLETS = ["microphone-worklet.js", "playback-worklet.js"];

export class Sound {
  #element = new Audio();
  #sink;
  #native = null; // where a stream could not be taken into the context

  /** Must be made within a gesture of the person: browsers keep a page silent until then. */
  constructor(sink) {
    this.#sink = sink;
    this.context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive", ...(sink && "setSinkId" in AudioContext.prototype ? { sinkId: sink } : {}) });
    this.callerLevel = new AnalyserNode(this.context, { fftSize: 512 });
    this.agentLevel = new AnalyserNode(this.context, { fftSize: 512 });
  }

  async load() {
    await Promise.all(WORKLETS.map((file) => this.context.audioWorklet.addModule(new URL(file, import.meta.url))));
    await this.context.resume();
  }

  /** A stream as a node. Some browsers take a stream only into a context of the device's own rate. */
  async source(stream) {
    try {
      return this.context.createMediaStreamSource(stream);
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
    }
    if (!this.#native) {
      this.#native = new AudioContext({ latencyHint: "interactive" });
      await this.#native.audioWorklet.addModule(new URL(WORKLETS[0], import.meta.url));
    }
    return this.#native.createMediaStreamSource(stream);
  }

  /** Only to be measured: what the caller says is never played back to them. */
  async watchCaller(stream) {
    this.callerLevel = measured(await this.source(stream), this.callerLevel);
  }

  /** The agent's voice as a track. It is played by an element, since that is what echo cancellation listens to. */
  async playStream(stream) {
    this.#element.srcObject = stream;
    this.#route(this.#element);
    this.#element.play().catch(() => {});
    this.agentLevel = measured(await this.source(stream), this.agentLevel);
  }

  /** A queue for the agent's voice as samples. */
  async player() {
    const node = new AudioWorkletNode(this.context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    node.connect(this.agentLevel).connect(this.context.destination);
    return new Player(node, this.context);
  }

  async setSink(sink) {
    this.#sink = sink;
    this.#route(this.#element);
    this.#route(this.context);
  }

  #route(output) {
    if (this.#sink !== undefined && output.setSinkId) output.setSinkId(this.#sink).catch(() => {});
  }

  close() {
    this.#element.srcObject = null;
    this.context.close().catch(() => {});
    this.#native?.close().catch(() => {});
  }
}

/** The level of what comes from `source`: by this meter, or by one of the source's own context. */
function measured(source, level) {
  const meter = source.context === level.context ? level : new AnalyserNode(source.context, { fftSize: level.fftSize });
  source.connect(meter);
  return meter;
}

class Player {
  #node;
  #context;
  #tickets = new Map();
  #next = 0;

  constructor(node, context) {
    this.#node = node;
    this.#context = context;
    node.port.onmessage = ({ data }) => {
      if (data.type === "flushed") this.#tickets.get(data.ticket)?.(data.cut);
    };
  }

  enqueue(item, pcm) {
    this.#node.port.postMessage({ do: "enqueue", item, pcm }, [pcm]);
  }

  finish(item) {
    this.#node.port.postMessage({ do: "finish", item });
  }

  /** Stops at once. Returns the item that was cut into and how many of its samples were heard, or null. */
  async flush() {
    if (this.#context.state === "closed") return null;
    const ticket = (this.#next += 1);
    const cut = await new Promise((resolve) => {
      this.#tickets.set(ticket, resolve);
      this.#node.port.postMessage({ do: "flush", ticket });
    });
    this.#tickets.delete(ticket);
    // What the worklet has given is heard only after the device's own delay.
    const delay = Math.round((this.#context.outputLatency || 0) * RATE_HZ);
    return cut && { item: cut.item, heard: Math.max(0, cut.played - delay) };
  }
}
