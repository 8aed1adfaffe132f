/** The turns of a call, one below the other: how long the reply took and what of, what it cost, what was heard of it. */

import { clockText, make } from "./dom.js";
import { KINDS_TOLD, amountsText, costText, countText, kindText, plural, waitText } from "./formats.js";
import { turnBegin } from "./lanes.js";

export const PARTS = [
  ["model", "Model", "the model, from the end of speech to its first sound"], ["tools", "Tools", "tools that ran before the answer"], ["server", "This server", "from the wire to the model, and back"],
  ["silence", "Silence", "silence before the first sound of the reply"], ["line", "Line", "until the channel had played it"],
];
const BASES = [["events", "by events"], ["played", "as played"], ["audio", "on the recording"]];

/** Milliseconds by part, of those that are known; they add up to the wait until it was heard, or sent. */
export function partsOf(turn) {
  const whole = turn.played_ms ?? turn.events_ms;
  if (whole === null || turn.model_ms === null) return null;
  const parts = { model: turn.model_ms, tools: turn.tool_us / 1000, server: turn.server_ms ?? 0, silence: turn.played_ms === null ? 0 : (turn.silence_ms ?? 0) };
  const rest = whole - Object.values(parts).reduce((sum, ms) => sum + ms, 0);
  return { ...parts, line: Math.max(0, rest) };
}

export function turnList(told, seek) {
  const longest = Math.max(1000, ...told.record.turns.map((turn) => turn.played_ms ?? turn.events_ms ?? 0));
  const costs = new Map(told.cost.turns.map((cost) => [cost.turn, cost]));
  const usage = new Map();
  for (const one of told.record.usage) usage.set(one.turn, [...(usage.get(one.turn) ?? []), one]);
  return told.record.turns.map((turn) => make("li", { class: "turn", id: `turn-${turn.number}` },
    head(turn, seek),
    make("div", { class: "turn-figures" }, latency(turn, longest), cost(costs.get(turn.number), usage.get(turn.number), told.cost.simulated)),
    words(turn, told.words),
    tools(turn)));
}

function head(turn, seek) {
  const at = turnBegin(turn);
  return make("header", { class: "turn-head" },
    make("h3", {}, `Turn ${turn.number}`),
    make("span", { class: `badge${turn.kind === "failover" ? " bad" : turn.interrupted ? " warn" : ""}`, title: KINDS_TOLD[turn.kind] }, kindText(turn.kind)),
    turn.interrupted && turn.kind !== "interrupted" ? make("span", { class: "badge warn" }, "Interrupted") : null,
    make("button", { type: "button", class: "from-here", onclick: () => seek(at), "aria-label": `Go to turn ${turn.number}, at ${clockText(at)}` }, clockText(at)));
}

function latency(turn, longest) {
  const known = BASES.filter(([basis]) => turn[`${basis}_ms`] !== null);
  if (!known.length) return make("p", { class: "none" }, turn.kind === "opening" ? "Nobody waited: the agent spoke first." : "No latency: nobody knows when the caller ended, or no reply came.");
  const box = make("div", { class: "waits" }, make("p", { class: "wait-figures" }, ...known.map(([basis, told], index) => make("span", { class: index ? "" : "main" }, make("b", {}, waitText(turn[`${basis}_ms`])), ` ${told}`))));
  const parts = partsOf(turn);
  if (parts) box.append(stack(parts, longest));
  return box;
}

function stack(parts, longest) {
  const shown = PARTS.filter(([name]) => parts[name] >= 0.5);
  const label = shown.map(([name, title]) => `${title} ${waitText(parts[name])}`).join(", ");
  const bar = make("div", { class: "stack", role: "img", "aria-label": label }, ...shown.map(([name, title]) => {
    const part = make("span", { class: `part ${name}`, title: `${title}: ${waitText(parts[name])}` });
    part.style.width = `${(parts[name] / longest) * 100}%`;
    return part;
  }));
  return make("div", {}, bar, make("p", { class: "stack-text", "aria-hidden": "true" }, ...shown.map(([name, title]) => make("span", {}, `${title} ${waitText(parts[name])}`))));
}

function cost(cost, usage, simulated) {
  const tokens = (usage ?? []).reduce((sum, { tokens: one }) => ({ in: sum.in + one.speech_in + one.text_in, out: sum.out + one.speech_out + one.text_out, detail: [...sum.detail, `speech ${countText(one.speech_in)} in, ${countText(one.speech_out)} out; text ${countText(one.text_in)} in, ${countText(one.text_out)} out`] }), { in: 0, out: 0, detail: [] });
  const shares = cost ? sharesText(cost.shares) : [];
  return make("div", { class: "turn-cost" },
    make("p", {}, make("b", {}, cost ? costText(cost.amounts, cost.unpriced) : "–"), simulated ? " would-be" : ""),
    tokens.in + tokens.out ? make("p", { title: tokens.detail.join("\n") }, `${countText(tokens.in)} tokens in, ${countText(tokens.out)} out`) : null,
    cost?.unpriced.length ? make("p", {}, `No price: ${cost.unpriced.join(", ")}`) : null,
    shares.length ? make("p", {}, shares.join(" · ")) : null);
}

/** Of an amount, what was spent for nothing. */
export function sharesText({ waste = {}, renewal = {}, silence = {} }) {
  return [[waste, "not heard"], [renewal, "renewal"], [silence, "silence"]].filter(([amounts]) => Object.values(amounts).some(Number)).map(([amounts, what]) => `${amountsText(amounts)} ${what}`);
}

function words(turn, kept) {
  if (!kept) return make("p", { class: "none" }, "What was said was forgotten.");
  const caller = turn.caller ? make("div", { class: "said caller" }, make("h4", {}, "Caller"), make("p", {}, turn.caller)) : null;
  const same = !turn.agent || turn.heard.trim() === turn.agent.trim();
  const agent = !turn.agent ? null : same
    ? make("div", { class: "said agent" }, make("h4", {}, "Agent"), make("p", {}, turn.agent))
    : make("div", { class: "said agent both" },
      make("div", {}, make("h4", {}, "Agent, as heard"), make("p", {}, turn.heard || make("i", {}, "nothing"))),
      make("div", {}, make("h4", {}, "Agent, as generated"), make("p", {}, ...unheard(turn.agent, turn.heard))));
  return make("div", { class: "words" }, caller, agent);
}

/** The generated words, with those that were not heard struck out where they follow the heard ones. */
function unheard(agent, heard) {
  const squeezed = heard.trim();
  if (!squeezed) return [make("del", {}, agent)];
  const at = agent.indexOf(squeezed);
  if (at < 0) return [agent];
  const end = at + squeezed.length;
  return [agent.slice(0, end), make("del", {}, agent.slice(end))];
}

function tools(turn) {
  if (!turn.tools.length) return null;
  const rows = turn.tools.map((tool) => make("li", { "data-state": tool.status === "ok" ? "ok" : "bad" }, make("span", { class: "tool-dot", "aria-hidden": "true" }), make("code", {}, tool.name), make("span", {}, tool.status || "never ended"),
    make("span", {}, tool.finished_us === null ? "" : waitText((tool.finished_us - tool.started_us) / 1000)), tool.price ? make("span", {}, `price ${tool.price}`) : null));
  return make("ul", { class: "turn-tools", "aria-label": plural(turn.tools.length, "tool call") }, ...rows);
}
