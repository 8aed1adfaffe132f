/** Tools that wait for somebody's yes, above the controls: what is asked for, and the two answers. */

import { byId, make } from "./dom.js";
import { tidy } from "./tools.js";

const OUTCOMES = { ToolApproved: "was approved", ToolDenied: "was denied", ReturnToolResult: "is not waiting any more", CancelTool: "is not waiting any more" };

export class Approvals {
  #cards = new Map();
  #asked = 0;

  /** `decide(toolCall, approved)` tells the server; it may throw a Fault. */
  constructor(decide) {
    this.decide = decide;
    this.box = byId("approvals");
    this.spoken = byId("approvals-text");
  }

  clear() {
    this.#cards.clear();
    this.box.replaceChildren();
    this.box.hidden = true;
    this.spoken.textContent = "";
  }

  apply(fact) {
    if (fact.type === "AskApproval") this.#ask(fact);
    else if (fact.type in OUTCOMES) this.#settle(fact.tool_call, OUTCOMES[fact.type]);
    else if (fact.type === "CloseCall") this.clear();
  }

  #ask({ tool_call, name, arguments: given }) {
    if (this.#cards.has(tool_call)) return;
    const title = make("h2", { id: `approval-${(this.#asked += 1)}` }, "The agent asks to use ", make("code", {}, name));
    const wrong = make("p", { class: "approval-wrong", role: "alert" });
    const card = { name, wrong, buttons: [] };
    const button = (label, look, approved) => make("button", { type: "button", class: `button ${look}`, "aria-label": `${label} ${name}`, onclick: () => this.#answer(tool_call, approved) }, label);
    card.buttons = [button("Approve", "primary", true), button("Deny", "", false)];
    card.element = make("article", { class: "approval", "aria-labelledby": title.id }, title, make("pre", { tabindex: "0", "aria-label": `What ${name} is asked` }, tidy(given)), wrong, make("div", { class: "actions" }, ...card.buttons));
    this.#cards.set(tool_call, card);
    this.box.append(card.element);
    this.box.hidden = false;
    this.spoken.textContent = `${name} waits for approval.`;
  }

  async #answer(toolCall, approved) {
    const card = this.#cards.get(toolCall);
    for (const button of card.buttons) button.disabled = true;
    card.wrong.textContent = "";
    try {
      await this.decide(toolCall, approved);
    } catch (fault) {
      card.wrong.textContent = fault.message || "The server could not be told. Try again.";
      for (const button of card.buttons) button.disabled = false;
      if (document.activeElement === document.body) card.buttons[approved ? 0 : 1].focus(); // where it was
    }
  }

  /** The answer is there when the timeline has it; the keys then go to what is next. */
  #settle(toolCall, outcome) {
    const card = this.#cards.get(toolCall);
    if (!card) return;
    const focused = card.element.contains(document.activeElement) || document.activeElement === document.body;
    this.#cards.delete(toolCall);
    card.element.remove();
    this.box.hidden = !this.#cards.size;
    this.spoken.textContent = `${card.name} ${outcome}.`;
    if (focused) (this.#cards.values().next().value?.buttons[0] ?? byId("scroll")).focus({ preventScroll: true });
  }
}
