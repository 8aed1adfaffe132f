/**
 * The facts of a call as captions: who said what, in order, and how much of the agent's words has been heard.
 * Knows nothing of the page; conversation.js shows it.
 */

export class Captions {
  entries = [];
  held = false;
  #open = null; // the caller's entry that more words may still join
  #speechAt = null;
  #replies = new Map();
  #tools = new Map();

  /** Takes one fact; returns the entries that it changed. */
  apply(fact) {
    switch (fact.type) {
      case "CallerSpeechStarted":
        return this.#speaks(fact);
      case "CallerTranscribed":
        return this.#caller(fact);
      case "CallerText":
        return this.#typed(fact);
      case "AgentText":
        return this.#agent(fact);
      case "playout":
        return this.#reply(fact.response, (reply) => Object.assign(reply, { played: fact.played, generated: fact.generated, tracked: true }));
      case "Flush":
      case "ResponseInterrupted":
        return this.#reply(fact.response, (reply) => (reply.cut = true));
      case "Truncate":
        return this.#reply(fact.response, (reply) => Object.assign(reply, { cut: true, heardText: fact.heard_text }));
      case "FloorDecided":
        return this.#floor(fact);
      case "ToolRequested":
        return this.#tool(fact, "asked");
      case "AskApproval":
        return this.#tool(fact, "approval");
      case "RunTool":
        return this.#tool(fact, "running");
      case "ToolFinished":
      case "CancelTool":
      case "ReturnToolResult":
        return this.#toolDone(fact);
      case "hold":
        return this.#hold(fact);
      case "turn":
        return this.#turn(fact);
      case "CloseCall":
        return this.#over();
      case "SwapModel":
        return [this.#add("note", fact.at_us, { text: "The model session was renewed. The call went on." })];
      default:
        return [];
    }
  }

  #add(speaker, atUs, more) {
    const entry = { id: this.entries.length, speaker, atUs: atUs ?? null, ...more };
    this.entries.push(entry);
    return entry;
  }

  /** Words that came late, after their answer had begun, are complete once the caller speaks again. */
  #speaks({ at_us }) {
    this.#speechAt ??= at_us;
    return this.#open?.answered ? this.#answer() : [];
  }

  #caller({ at_us, text, final }) {
    if (!text) return [];
    this.#open ??= this.#add("caller", this.#speechAt ?? at_us, { final: [], partial: "" });
    this.#speechAt = null;
    if (final) this.#open.final.push(text);
    this.#open.partial = final ? "" : text;
    return [this.#open];
  }

  #typed({ at_us, text }) {
    this.#open = null;
    return [this.#add("caller", at_us, { final: [text], partial: "", typed: true })];
  }

  /** What the caller says once words of a reply have come is another turn, unless their own are still to come. */
  #answer() {
    if (!this.#open?.final.length) {
      if (this.#open) this.#open.answered = true;
      return [];
    }
    const closed = this.#open;
    closed.partial = "";
    this.#open = null;
    return [closed];
  }

  #agent({ at_us, response, text, at, final, joined }) {
    const changed = this.#answer();
    let reply = this.#replies.get(response);
    if (!reply) {
      reply = this.#add("agent", at_us, { response, segments: [], played: 0, generated: 0, tracked: false, cut: false });
      this.#replies.set(response, reply);
    }
    say(reply.segments, { at: at ?? 0, text, final, joined });
    return [...changed, reply];
  }

  #reply(response, change) {
    const reply = this.#replies.get(response);
    if (!reply) return [];
    change(reply);
    return [reply];
  }

  #tool({ at_us, tool_call, name, arguments: given }, status) {
    if (name === "end_call") return [];
    const known = this.#tools.get(tool_call);
    if (known?.over) return [];
    const use = known ?? this.#add("used", at_us, { name, given, tookMs: null, over: false });
    this.#tools.set(tool_call, use);
    return [Object.assign(use, { status, sinceUs: at_us ?? null })];
  }

  /** A voice that did not take the turn. What the model broke off for it is played all the same. */
  #floor({ at_us, verdict, kind, cut }) {
    if (verdict !== "kept") return [];
    const broken = cut ? [...this.#replies.values()].reverse().find((reply) => reply.cut && reply.heardText === undefined) : undefined;
    if (broken) broken.cut = false;
    return [...(broken ? [broken] : []), this.#add("note", at_us, { text: `${VOICES[kind] ?? "A voice"}. The agent went on.` })];
  }

  #hold({ at_us, held }) {
    if (held === this.held) return [];
    this.held = held;
    return [this.#add("note", at_us, { text: held ? "The call is on hold. The agent hears nothing." : "The call is off hold." })];
  }

  #toolDone({ at_us, tool_call, status = "cancelled" }) {
    const use = this.#tools.get(tool_call);
    if (!use || use.over) return [];
    Object.assign(use, { status, over: true, tookMs: at_us === undefined || use.sinceUs === null ? null : (at_us - use.sinceUs) / 1000 });
    const note = use.name === "leave_note" && status === "ok" ? noteOf(use.given) : "";
    return note ? [use, this.#add("note", at_us, { text: `Note: ${note}` })] : [use];
  }

  /** What was still ahead when the call ended was never heard. */
  #over() {
    const open = [...this.#replies.values()].filter((reply) => reply.tracked && !reply.over);
    for (const reply of open) reply.over = true;
    return open;
  }

  /** Figures of a turn stand at its first reply. */
  #turn({ responses, first_audio_ms }) {
    const first = (responses ?? []).map((response) => this.#replies.get(response)).find(Boolean);
    if (!first || first_audio_ms === null || first.latencyMs === first_audio_ms) return [];
    first.latencyMs = first_audio_ms;
    return [first];
  }
}

/** What was heard into the agent's speech. */
const VOICES = {
  caller: "A short word",
  backchannel: "The caller is listening",
  noise: "A noise",
  others: "Somebody else talked",
  echo: "An echo of the agent",
};

/** What the agent wrote down, of the arguments of its tool. */
function noteOf(given) {
  try {
    return String(JSON.parse(given).text ?? "");
  } catch {
    return "";
  }
}

/** The same rule as the call's own: final words replace those that began just there, later ones at one place join. */
function say(segments, { at, text, final, joined }) {
  const same = final ? segments.find((segment) => segment.at === at) : undefined;
  const last = segments.at(-1);
  if (same) same.text = text;
  else if (last && at <= last.at) last.text += joined ? text : ` ${text}`;
  else segments.push({ at, text });
}

/** A reply in up to three parts: heard, still ahead, and never heard. */
export function partsOf(reply) {
  const whole = reply.segments.map((segment) => segment.text).join(" ");
  if (reply.heardText !== undefined) return split(whole, reply.heardText.length, "unheard");
  if (!reply.tracked) return { heard: whole, ahead: "", unheard: "" };
  return split(whole, heardLength(reply), reply.cut || reply.over ? "unheard" : "ahead");
}

function split(whole, length, rest) {
  const parts = { heard: whole.slice(0, length).trimEnd(), ahead: "", unheard: "" };
  parts[rest] = whole.slice(parts.heard.length).trimStart();
  return parts;
}

/** How many letters lie within what was played: whole words, by their share of the stretch that they are spoken in. */
function heardLength({ segments, played, generated }) {
  let length = 0;
  for (const [index, { at, text }] of segments.entries()) {
    const end = segments[index + 1]?.at ?? Math.max(generated, at);
    if (played >= end && end > at) {
      length += text.length + 1;
    } else {
      if (played > at) length += leading(text, (played - at) / (end - at));
      break;
    }
  }
  return length;
}

function leading(text, share) {
  const budget = Math.floor(share * text.length);
  if (budget >= text.length) return text.length;
  const cut = text.lastIndexOf(" ", budget);
  return Math.max(0, cut);
}
