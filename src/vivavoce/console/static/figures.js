/** The call in figures: how fast the agent answers, turn by turn, and what the call costs so far. */

import { byId, durationText, make } from "./dom.js";
import { paceOf } from "./pace.js";

const BARS = 24;
const KINDS = [["speech", "Speech"], ["text", "Text"]];

export class Figures {
  #latencies = new Map(); // turn number → ms
  #interruptions = new Set();
  #cost = null;
  #tokensOpen = false;

  constructor() {
    this.panel = byId("figures");
    this.clear();
  }

  clear() {
    this.#latencies.clear();
    this.#interruptions.clear();
    this.#cost = null;
    this.#draw();
  }

  apply(fact) {
    if (fact.type === "turn") {
      if (fact.first_audio_ms !== null) this.#latencies.set(fact.number, fact.first_audio_ms);
      if (fact.interrupted) this.#interruptions.add(fact.number);
    } else if (fact.type === "cost") {
      this.#cost = fact;
    } else {
      return;
    }
    this.#draw();
  }

  get costText() {
    return this.#cost?.usd != null ? money(this.#cost.usd) : "";
  }

  #draw() {
    const values = [...this.#latencies.values()];
    this.panel.replaceChildren(
      make("h2", { id: "figures-title" }, "Figures"),
      make("dl", { class: "figures-grid" },
        figure("Last reply after", values.length ? split(values.at(-1)) : null),
        figure("Typical reply after", values.length ? split(median(values)) : null),
        this.#costFigure(),
        figure("Barge-ins", values.length ? [String(this.#interruptions.size)] : null)),
      this.#bars(values),
      this.#usage());
  }

  #costFigure() {
    const cost = this.#cost;
    if (!cost) return figure("Cost so far", null);
    if (cost.usd !== null) return figure("Cost so far", [money(cost.usd)], `Prices: ${cost.priced}`);
    const words = cost.reason === "simulated" ? "Simulated" : "No price";
    const basis = cost.reason === "simulated" ? "This model costs nothing and says nothing about a real one" : "The price of this model is not known";
    const element = figure("Cost so far", [words], basis);
    element.querySelector("dd").classList.add("words");
    return element;
  }

  #bars(values) {
    if (!values.length) return make("p", { class: "bars-note" }, "A bar for each turn: how long you waited for the reply.");
    const shown = [...this.#latencies].slice(-BARS);
    const top = Math.max(1000, ...shown.map(([, ms]) => ms));
    const bars = shown.map(([number, ms]) => {
      const label = `Turn ${number}: ${durationText(Math.max(0, ms))}`;
      const bar = make("span", { class: "bar", "data-pace": paceOf(ms), title: label, role: "img", "aria-label": label });
      bar.style.height = `${(Math.max(0, ms) / top) * 100}%`;
      return make("li", {}, bar);
    });
    return make("div", {},
      make("ol", { class: "bars", "aria-label": "Wait for the reply, turn by turn" }, ...bars),
      make("p", { class: "bars-note" }, "From the end of your speech to the first of the reply, measured by the server."));
  }

  #usage() {
    const tokens = this.#cost?.tokens;
    if (!tokens || !Object.values(tokens).some(Boolean)) return "";
    const rows = KINDS.map(([kind, label]) =>
      make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, count(tokens[`${kind}_in`])), make("td", {}, count(tokens[`${kind}_out`]))));
    const head = make("tr", {}, make("th", { scope: "col" }, make("span", { class: "unseen" }, "Kind")), make("th", { scope: "col" }, "heard"), make("th", { scope: "col" }, "made"));
    const table = make("table", { class: "usage", "aria-label": "Tokens" }, make("thead", {}, head), make("tbody", {}, ...rows));
    const details = make("details", { class: "tokens", ontoggle: (event) => (this.#tokensOpen = event.target.open) }, make("summary", {}, "Tokens"), table);
    details.open = this.#tokensOpen;
    return details;
  }
}

function figure(name, value, basis) {
  const shown = value === null ? make("dd", { class: "words" }, "–") : make("dd", {}, value[0], value[1] ? make("span", { class: "unit" }, value[1]) : null);
  return make("div", { class: "figure" }, make("dt", {}, name), shown, basis ? make("dd", { class: "basis" }, basis) : null);
}

const split = (ms) => durationText(Math.max(0, ms)).split(" ");
const count = (number) => new Intl.NumberFormat("en-US").format(number);
const money = (usd) => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
