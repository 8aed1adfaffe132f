/** The tools that the agent used: name, arguments, outcome, how long it took. */

import { byId, durationText, make } from "./dom.js";

const STATES = { running: "running", ok: "good", failed: "bad", timed_out: "bad", refused: "bad", cancelled: "cancelled" };
const WORDS = { running: "running", ok: "done", failed: "failed", timed_out: "timed out", refused: "refused", cancelled: "cancelled" };

export const toolState = (status) => STATES[status] ?? "bad";

/** `done · 112 ms` */
export const toolWords = (status, tookMs) => (WORDS[status] ?? status) + (tookMs === null ? "" : ` · ${durationText(tookMs)}`);

export class Tools {
  #rows = new Map();

  constructor() {
    this.panel = byId("tools");
    this.count = byId("tools-count");
    this.clear();
  }

  clear() {
    this.#rows.clear();
    this.list = make("div", { class: "tool-list" });
    this.none = make("p", { class: "none" }, "Tools that the agent uses appear here, with what it asked and what it got.");
    this.panel.replaceChildren(make("h2", { id: "tools-title" }, "Tools"), this.none, this.list);
    this.#number();
  }

  apply(fact) {
    if (fact.type === "RunTool") this.#begin(fact);
    else if (fact.type === "ToolFinished") this.#end(fact, fact.status, fact.result);
    else if (fact.type === "CancelTool") this.#end(fact, "cancelled", "");
  }

  #begin({ tool_call, name, arguments: given, at_us }) {
    if (this.#rows.has(tool_call)) return;
    const took = make("span", { class: "tool-took" });
    const body = make("div", { class: "tool-body" }, make("h3", {}, "Asked"), make("pre", {}, tidy(given)));
    const summary = make("summary", {}, make("span", { class: "tool-state", "aria-hidden": "true" }), make("span", { class: "tool-name" }, name), took);
    const element = make("details", { class: "tool" }, summary, body);
    if (!this.#rows.size) element.open = true;
    const row = { element, body, took, at_us, over: false };
    this.#rows.set(tool_call, row);
    this.#state(row, "running", null);
    this.none.hidden = true;
    this.list.prepend(element);
    this.#number();
  }

  #end({ tool_call, at_us }, status, result) {
    const row = this.#rows.get(tool_call);
    if (!row || row.over) return;
    row.over = true;
    this.#state(row, status, at_us === undefined || row.at_us === undefined ? null : (at_us - row.at_us) / 1000);
    if (result) row.body.append(make("h3", {}, status === "ok" ? "Got" : "Error"), make("pre", {}, tidy(result)));
  }

  #state(row, status, tookMs) {
    row.element.dataset.state = toolState(status);
    row.took.textContent = toolWords(status, tookMs);
  }

  #number() {
    this.count.hidden = !this.#rows.size;
    this.count.textContent = this.#rows.size;
  }
}

/** JSON on several lines where it is JSON, the text itself otherwise. */
function tidy(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
