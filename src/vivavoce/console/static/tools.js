/** The tools that the agent used: name, arguments, outcome, how long it took. */

import { byId, durationText, make } from "./dom.js";

const STATES = { asked: "running", approval: "running", running: "running", ok: "good", failed: "bad", timed_out: "bad", refused: "bad", denied: "bad", cancelled: "cancelled", superseded: "cancelled" };
const WORDS = { asked: "asked", approval: "needs approval", running: "running", ok: "done", failed: "failed", timed_out: "timed out", refused: "refused", denied: "denied", cancelled: "cancelled", superseded: "given up" };
const UNSEEN = ["end_call"]; // the call's end says it

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
    if (fact.type === "ToolRequested") this.#begin(fact, "asked");
    else if (fact.type === "AskApproval") this.#begin(fact, "approval");
    else if (fact.type === "RunTool") this.#begin(fact, "running");
    else if (fact.type === "ToolApproved") this.#decided(fact, "Approved by");
    else if (fact.type === "ToolDenied") this.#decided(fact, "Denied by");
    else if (fact.type === "ToolFinished" || fact.type === "ReturnToolResult") this.#end(fact, fact.status, fact.result);
    else if (fact.type === "CancelTool") this.#end(fact, "cancelled", "");
  }

  /** Asked for, perhaps held up for approval, and run; some the call itself does, and they are never run. */
  #begin(fact, status) {
    const row = this.#rows.get(fact.tool_call);
    if (UNSEEN.includes(fact.name) || row?.over) return;
    if (!row) return this.#show(fact, status);
    row.at_us = fact.at_us;
    this.#state(row, status, null);
  }

  #show({ tool_call, name, arguments: given, at_us }, status) {
    const took = make("span", { class: "tool-took" });
    const body = make("div", { class: "tool-body" }, make("h3", {}, "Asked"), make("pre", {}, tidy(given)));
    const summary = make("summary", {}, make("span", { class: "tool-state", "aria-hidden": "true" }), make("span", { class: "tool-name" }, name), took);
    const element = make("details", { class: "tool" }, summary, body);
    if (!this.#rows.size) element.open = true;
    const row = { element, body, took, at_us, over: false };
    this.#rows.set(tool_call, row);
    this.#state(row, status, null);
    this.none.hidden = true;
    this.list.prepend(element);
    this.#number();
  }

  #decided({ tool_call, by, reason }, what) {
    const row = this.#rows.get(tool_call);
    if (row && !row.over) row.body.append(make("h3", {}, `${what} ${by || "somebody"}`), reason ? make("p", { class: "reason" }, reason) : "");
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
export function tidy(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
