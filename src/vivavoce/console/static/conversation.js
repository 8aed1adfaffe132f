/** Shows the captions: one list item for each entry, the newest in view as long as nobody scrolls away. */

import { partsOf } from "./captions.js";
import { byId, clockText, durationText, make } from "./dom.js";
import { paceOf } from "./pace.js";
import { toolState, toolWords } from "./tools.js";

const NEAR_PX = 80;
const ANNOUNCED = 4;

export class Conversation {
  #items = new Map();
  #announced = new Map();
  #follow = true;

  constructor(names) {
    this.names = names; // {agent}: what the agent is called
    this.list = byId("entries");
    this.scroll = byId("scroll");
    this.latest = byId("latest");
    this.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.latest.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#follow && this.toEnd()).observe(this.scroll);
  }

  clear() {
    this.#items.clear();
    this.#announced.clear();
    this.list.replaceChildren();
    byId("spoken").replaceChildren();
    this.#follow = true;
  }

  show(entries) {
    for (const entry of entries) {
      const item = this.#items.get(entry.id) ?? this.#begin(entry);
      SHOW[entry.speaker](item, entry);
      this.#announce(entry);
    }
    if (this.#follow) this.toEnd();
    else this.latest.hidden = false;
  }

  toEnd() {
    this.#follow = true;
    this.latest.hidden = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#follow) this.latest.hidden = true;
  }

  #begin(entry) {
    const who = entry.speaker === "agent" ? this.names.agent : entry.speaker === "caller" ? "You" : "";
    const item = {
      who: make("p", { class: "who" }, who),
      text: make("p", { class: "text" }),
      words: make("div", { class: "words" }),
    };
    if (who) item.words.append(item.who);
    item.words.append(item.text);
    const when = entry.atUs === null ? "" : clockText(entry.atUs / 1e6);
    item.element = make("li", { class: `entry ${entry.speaker}` }, make("span", { class: "when" }, when), make("span", { class: "dot", "aria-hidden": "true" }), item.words);
    this.list.append(item.element);
    this.#items.set(entry.id, item);
    return item;
  }

  /** Says each side's finished words once to those who listen to the page instead of seeing it. */
  #announce(entry) {
    if (entry.speaker === "used") return;
    const done = entry.speaker === "caller" ? entry.final.join(" ") : entry.speaker === "agent" ? partsOf(entry).heard : entry.text;
    const before = this.#announced.get(entry.id) ?? 0;
    const sentence = entry.speaker === "agent" && !entry.cut ? done.search(/[.!?…][^.!?…]*$/) + 1 : done.length;
    if (sentence <= before) return;
    this.#announced.set(entry.id, sentence);
    const who = before ? "" : entry.speaker === "agent" ? `${this.names.agent}: ` : entry.speaker === "caller" ? "You: " : "";
    const spoken = byId("spoken");
    spoken.append(make("p", {}, who + done.slice(before, sentence).trim()));
    while (spoken.children.length > ANNOUNCED) spoken.firstChild.remove();
  }
}

function showCaller(item, entry) {
  const parts = [document.createTextNode(entry.final.join(" "))];
  if (entry.partial) parts.push(" ", make("span", { class: "partial", title: "Not final yet" }, entry.partial));
  item.text.replaceChildren(...parts);
}

function showNote(item, entry) {
  item.text.textContent = entry.text;
}

function showUsed(item, { name, status, tookMs }) {
  const outcome = toolWords(status, tookMs);
  item.text.replaceChildren(make("span", { class: "used-tool" }, name), ` ${outcome}`);
  item.element.dataset.state = toolState(status);
}

function showReply(item, entry) {
  const { heard, ahead, unheard } = partsOf(entry);
  const parts = [document.createTextNode(heard)];
  if (ahead) parts.push(heard && " ", make("span", { class: "ahead", title: "Not spoken yet" }, ahead));
  if (unheard) parts.push(heard && " ", make("s", { class: "unheard", title: "Never heard" }, unheard));
  item.text.replaceChildren(...parts);
  if (entry.latencyMs !== undefined && !item.latency) {
    item.latency = make("span", { class: "latency" });
    item.who.append(" ", item.latency);
  }
  if (item.latency) {
    item.latency.textContent = entry.latencyMs < 0 ? "before you finished" : `after ${durationText(entry.latencyMs)}`;
    item.latency.dataset.pace = paceOf(entry.latencyMs);
    item.latency.title = "From the end of your speech to the first of the reply, measured by the server";
  }
  if (entry.cut && !item.mark) {
    item.mark = make("p", { class: "cut-mark" }, unheard ? "You cut in here" : "You cut in");
    item.words.append(item.mark);
    item.element.classList.add("cut");
  } else if (item.mark) {
    item.mark.textContent = unheard ? "You cut in here" : "You cut in";
  }
}

const SHOW = { agent: showReply, caller: showCaller, used: showUsed, note: showNote };
