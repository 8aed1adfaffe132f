/** One call that is over: its totals, its sound and time axis, its turns. */

import { byId, clockText, make } from "./dom.js";
import { BAD_ENDS, costText, countText, endText, plural, waitText, wholeWhenText } from "./formats.js";
import { Player } from "./player.js";
import { askJson, say, showFault } from "./shell.js";
import { PARTS, sharesText, turnList } from "./turns.js";

const id = decodeURIComponent(location.pathname.replace(/\/$/, "").split("/").pop());

async function load() {
  byId("notice").hidden = true;
  try {
    show(await askJson(`v1/records/${encodeURIComponent(id)}`));
  } catch (fault) {
    showFault(byId("notice"), fault, load);
  }
}

function show(told) {
  const { record } = told;
  document.title = `${record.agent}, ${wholeWhenText(record.opened)} · Vivavoce`;
  byId("title").textContent = record.agent;
  byId("subtitle").textContent = [wholeWhenText(record.opened), record.call].join(" · ");
  byId("flags").replaceChildren(...flags(told));
  byId("totals").replaceChildren(...totals(told));
  byId("content").hidden = false;
  let current = null;
  const player = new Player(told, { chosen: (turn) => {
    if (turn === current) return;
    document.querySelector(".turn[data-now]")?.removeAttribute("data-now");
    document.getElementById(`turn-${turn}`)?.setAttribute("data-now", "");
    current = turn;
  } });
  byId("turns").replaceChildren(...turnList(told, (second) => player.seek(second)));
  byId("parts-legend").replaceChildren(...PARTS.map(([name, title, about]) => make("span", { title: about }, make("i", { class: `part ${name}`, "aria-hidden": "true" }), title)), make("span", {}, make("del", {}, "generated, not heard")));
  byId("legend").replaceChildren(...(told.recorded ? [] : [make("span", {}, "Drawn from the timeline alone: there is no sound.")]), make("span", {}, make("i", { class: "wait-mark", "aria-hidden": "true" }), "wait for the reply"), make("span", { class: "keys-hint" }, "Space plays · click goes there · Ctrl + wheel zooms · Shift + wheel scrolls"));
  if (!record.turns.length) say(byId("notice"), { picture: "mark", title: "Nobody said anything", text: "This call has no turns." });
}

function flags({ record, cost, words, marks }) {
  const unpriced = cost.unpriced.length ? `No price is known for ${cost.unpriced.join(", ")}: the cost is not whole` : "";
  return [
    [record.torn, "bad", "Torn: the process did not live to end this call, and its last second may be missing"],
    [record.simulated, "", "Simulated: latencies say nothing about a provider, and the cost is what one would have asked"],
    [unpriced, "warn", unpriced],
    [!words, "", "What was said was forgotten"],
    [words && !marks, "warn", "The timeline cannot be read: lanes are drawn from the turns"],
    [record.usage_gaps.length, "warn", "The provider's own totals are not the sum of what it reported"],
    [record.audio_lost_samples, "warn", `${clockText(record.audio_lost_samples / (record.rate_hz || 1))} of the caller's sound did not reach a model`],
    ...record.errors.map((error) => [true, "bad", error]),
  ].filter(([holds]) => holds).map(([, tone, text]) => make("li", { class: `flag ${tone}` }, text));
}

function totals({ record, cost }) {
  const waits = record.turns.filter((turn) => turn.kind !== "opening" && turn.events_ms !== null).map((turn) => turn.events_ms).sort((a, b) => a - b);
  const tokens = record.usage.reduce((sum, { tokens: one }) => sum + one.speech_in + one.speech_out + one.text_in + one.text_out, 0);
  const models = [...new Set(record.sessions.map(([, model]) => model))];
  const shares = sharesText(cost.shares);
  return [
    ["Length", clockText(record.duration_us / 1e6), record.answered_us === null ? "never answered" : `answered after ${waitText((record.answered_us - (record.connected_us ?? 0)) / 1000)}`],
    ["Ended", endText(record), record.reason, record.torn || BAD_ENDS.includes(record.disposition) ? "bad" : ""],
    ["Cost", costText(cost.amounts, cost.unpriced), [record.simulated ? "would-be" : "", ...shares, cost.book].filter(Boolean).join(" · ")],
    ["Median wait", waits.length ? waitText(waits[Math.ceil(waits.length / 2) - 1]) : "–", waits.length ? `slowest ${waitText(waits.at(-1))}, by events` : "no turn has one"],
    ["Turns", String(record.turns.length), [plural(record.turns.filter((turn) => turn.interrupted).length, "barge-in"), plural(record.turns.reduce((sum, turn) => sum + turn.tools.length, 0), "tool call"), plural(record.swaps.length, "swap")].join(", ")],
    ["Model", models.join(", ") || record.models.join(", ") || "–", `${countText(tokens)} tokens`],
    ["Channel", record.channel || "–", [record.outbound ? "outbound" : "inbound", record.tenant ? `tenant ${record.tenant}` : ""].filter(Boolean).join(", ")],
  ].map(([name, value, about, tone = ""]) => make("div", { class: "total" }, make("dt", {}, name), make("dd", { class: tone }, value), make("dd", { class: "about" }, about ?? "")));
}

if (document.referrer.startsWith(new URL("../calls", location.href).href)) byId("back").href = document.referrer; // with its filters
load();
