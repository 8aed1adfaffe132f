/** One call at a time, from the press of a button to its end. Decides what happens when; the parts do it. */

import { Fault } from "./faults.js";
import { FactsOfRealtime } from "./facts.js";
import { openMicrophone, silence } from "./microphone.js";
import { answerTool, callSecret, holdCall } from "./server.js";
import { openSocket } from "./socket.js";
import { Sound } from "./sound.js";
import { followTimeline } from "./timeline.js";
import { openWebRtc, worthAnotherWay } from "./webrtc.js";

const WARNING_MS = 6000;
const LAST_WORDS_MS = 1200; // the timeline may say how the call ended just after the connection is gone

export class Call {
  #attempt = 0;
  #transport = null;
  #sound = null;
  #microphone = null;
  #silent = null;
  #following = null;
  #id = ""; // what the call is known by beside its own connection
  #source = null; // where the facts come from: the timeline, or else what Realtime events tell

  /**
   * `store` holds what the page shows; `fact` hears every fact; `told` hears when they are all told anew, from the
   * call's beginning; `sounding` gets the Sound of a call that begins.
   */
  constructor({ store, preferences, fact, told, sounding }) {
    this.store = store;
    this.preferences = preferences;
    this.fact = fact;
    this.told = told;
    this.sounding = sounding;
  }

  /** `typing`: without a microphone. Every way it can end is in the store's `phase`. */
  async start(agent, { typing = false } = {}) {
    const attempt = (this.#attempt += 1);
    this.store.set({ phase: typing ? "connecting" : "asking", fault: null, ending: null, muted: typing || this.preferences.get("space") === "push", typing, held: false, transport: "", timeline: null });
    try {
      this.#sound = new Sound(this.preferences.get("output"));
      await this.#sound.load();
      this.#silent = silence(this.#sound.context);
      this.#microphone = typing ? this.#silent : await openMicrophone(this.preferences.get("input"));
      if (this.#gone(attempt)) return;
      this.store.set({ phase: "connecting" });
      this.#hush();
      await this.#sound.watchCaller(this.#microphone);
      const transport = await this.#connect(agent, await callSecret(this.preferences.key, agent), attempt);
      if (this.#gone(attempt)) return transport.close();
      this.#transport = transport;
      this.store.set({ phase: "live", transport: transport.name, since: performance.now() });
      this.sounding(this.#sound);
    } catch (error) {
      if (this.#gone(attempt)) return;
      this.#end(error instanceof Fault ? error : new Fault("server", "", { cause: error }));
    }
  }

  /** WebRTC first, unless the person chose; what it cannot do a socket may. */
  async #connect(agent, secret, attempt) {
    const chosen = this.preferences.get("transport");
    const parts = {
      agent, secret, microphone: this.#microphone, sound: this.#sound,
      heard: (event) => this.#heard(event, secret),
      closed: (fault) => this.#closed(fault, attempt),
    };
    this.#source = new FactsOfRealtime();
    if (chosen !== "websocket") {
      try {
        const transport = await openWebRtc(parts);
        this.#follow(transport.call, secret);
        return transport;
      } catch (error) {
        if (chosen === "webrtc" || !worthAnotherWay(error)) throw error;
      }
    }
    return openSocket(parts);
  }

  #heard(event, secret) {
    if (event.type === "session.created") this.#follow(event.session.id, secret);
    if (event.type === "error") this.#warn(event.error.message);
    if (event.type === "output_audio_buffer.started") this.store.set({ agentPlaying: true });
    if (event.type === "output_audio_buffer.stopped" || event.type === "output_audio_buffer.cleared") this.store.set({ agentPlaying: false });
    if (event.type === "response.created") this.store.set({ answering: true });
    if (event.type === "response.done") this.store.set({ answering: false });
    if (this.store.state.timeline !== true) for (const fact of this.#source.of(event)) this.#tell(fact);
  }

  #warn(warning) {
    this.store.set({ warning });
    setTimeout(() => this.store.state.warning === warning && this.store.set({ warning: "" }), WARNING_MS);
  }

  /** One timeline for a call: the first id that it is known by. */
  #follow(id, secret) {
    if (this.#following || !id) return;
    this.#id = id;
    this.#following = new AbortController();
    followTimeline({
      id, secret, signal: this.#following.signal,
      seen: (fact) => this.#tell(fact),
      available: (timeline) => {
        if (timeline && this.store.state.timeline !== true) this.told();
        this.store.set({ timeline });
      },
    });
  }

  #tell(fact) {
    if (fact.type === "CloseCall") this.store.set({ ending: fact.disposition });
    if (fact.type === "hold") this.store.set({ held: fact.held });
    this.fact(fact);
  }

  async #closed(fault, attempt) {
    if (this.#gone(attempt)) return;
    const known = () => this.store.state.ending || this.store.state.timeline !== true;
    for (let waited = 0; !known() && waited < LAST_WORDS_MS; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    if (this.#gone(attempt)) return;
    this.#end(this.store.state.ending ? null : fault);
  }

  /** By this side: hang up, or give up a call that is still being set up. */
  hangUp() {
    this.store.set({ ending: this.store.state.ending ?? "completed" });
    const early = this.store.state.phase !== "live";
    this.#attempt += 1;
    this.#end(null);
    if (early) this.store.set({ phase: "idle" });
  }

  #end(fault) {
    this.#attempt += 1;
    this.#transport?.close();
    this.#transport = null;
    setTimeout((following) => following?.abort(), LAST_WORDS_MS, this.#following);
    this.#following = null;
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = null;
    this.#sound?.close();
    this.#sound = null;
    this.store.set({ phase: fault ? "failed" : "ended", fault, answering: false, agentPlaying: false, until: performance.now() });
  }

  #gone(attempt) {
    return attempt !== this.#attempt;
  }

  /** Typed words take the turn as spoken ones do. */
  async say(text) {
    const { answering, agentPlaying, talking } = this.store.state;
    if (answering || agentPlaying || talking.agent) await this.stopAgent();
    this.#transport?.realtime.say(text);
  }

  async stopAgent() {
    await this.#transport?.stopAgent();
  }

  /** Throws a Fault if the server does not take the answer. */
  async answerTool(toolCall, approved) {
    await answerTool(this.preferences.key, this.#id, toolCall, approved);
  }

  /** It is so once the timeline says so. */
  async hold(held) {
    await holdCall(this.preferences.key, this.#id, held).catch((fault) => this.#warn(fault.message || "The server could not be told."));
  }

  mute(muted) {
    if (this.store.state.typing) return;
    this.store.set({ muted });
    this.#hush();
  }

  #hush() {
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !this.store.state.muted || this.store.state.typing;
  }

  /** While the call lasts: another microphone, another loudspeaker. */
  async changeDevice(name) {
    if (name === "output") return this.#sound?.setSink(this.preferences.get("output"));
    if (!this.#transport || this.store.state.typing) return;
    const stream = await openMicrophone(this.preferences.get("input")).catch(() => null);
    if (!stream || !this.#transport) return;
    for (const track of this.#microphone.getTracks()) track.stop();
    this.#microphone = stream;
    this.#hush();
    await this.#sound.watchCaller(stream);
    await this.#transport.replaceMicrophone(stream);
  }
}
