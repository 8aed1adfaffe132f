/** Latency, money and trouble over days, and what goes on now. */

import { lineChart, stackedBars } from "./chart.js";
import { byId, make } from "./dom.js";
import { ENDS, KINDS, KINDS_TOLD, amountsText, countText, kindText, moneyText, plural, waitText } from "./formats.js";
import { ask, askIfAllowed, askJson, fillMenu, showFault } from "./shell.js";

const MOST_SERIES = 5;
const NOW_MS = 5_000;
const BASES = { events: "From the end of speech, by the model's word, to the first audio sent.", played: "From the end of speech, by the model's word, to the first audible sample played, by the channel's evidence.", audio: "Both ends measured on the recording." };
const REASONS = { busy: "all lines busy", rate_limit: "rate limit", draining: "shutting down" };
const form = byId("choices");
let asking = new AbortController();

function choices() {
  const { range, agent, simulated } = form.elements;
  return { range: range.value, agent: agent.value, simulated: simulated.value, basis: byId("basis").value };
}

function readAddress() {
  const told = new URLSearchParams(location.search);
  const { range, agent, simulated } = form.elements;
  if (["1", "7", "30"].includes(told.get("range"))) range.value = told.get("range");
  fillMenu("agent", [], told.get("agent") ?? "");
  agent.value = told.get("agent") ?? "";
  simulated.value = told.get("simulated") === "true" ? "true" : "";
  if (BASES[told.get("basis")]) byId("basis").value = told.get("basis");
}

function writeAddress() {
  const usual = { range: "7", agent: "", simulated: "", basis: "events" };
  const told = new URLSearchParams(Object.entries(choices()).filter(([name, value]) => value !== usual[name]));
  history.replaceState(null, "", told.size ? `?${told}` : location.pathname);
}

/** The store's days are UTC's. */
function daysOf(since, now) {
  const days = [];
  for (let day = new Date(Date.UTC(since.getUTCFullYear(), since.getUTCMonth(), since.getUTCDate())); day <= now; day.setUTCDate(day.getUTCDate() + 1)) days.push(day.toISOString().slice(0, 10));
  return days;
}

async function load() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { range, agent, simulated, basis } = choices();
  const now = new Date();
  const since = new Date(now - Number(range) * 86_400_000);
  const which = { since: since.toISOString(), agent, simulated: simulated || "false" };
  const days = daysOf(since, now);
  byId("simulated-note").hidden = !simulated;
  try {
    const [latency, models, tenants, sums, trouble] = await Promise.all([
      askJson("v1/latency", { ...which, by: "day", basis }, signal), askJson("v1/costs", { ...which, by: "model,day" }, signal), askJson("v1/costs", { ...which, by: "tenant,day" }, signal),
      askJson("v1/costs", which, signal), askJson("v1/trouble", which, signal),
    ]);
    showLatency(latency.data, days, basis);
    showSpend(byId("by-model"), models.data, "model", days);
    showSpend(byId("by-tenant"), tenants.data, "tenant", days);
    showEnds(trouble.data, days);
    byId("board").hidden = false;
    byId("notice").hidden = true;
    sumsNow = sums.data;
    showNow();
  } catch (fault) {
    if (fault.name === "AbortError") return;
    byId("board").hidden = true;
    showFault(byId("notice"), fault, start);
  }
}

// -- latency -----------------------------------------------------------------------------------------------------------

function showLatency(rows, days, basis) {
  byId("latency-note").textContent = `${BASES[basis]} Half of all waits are shorter than p50, 95 of 100 shorter than p95.`;
  const kinds = Object.keys(KINDS).filter((kind) => rows.some((row) => row.kind === kind));
  if (!kinds.length) return byId("latency").replaceChildren(make("p", { class: "none" }, basis === "audio" ? "No call of this time was measured on its recording." : "No turn of this time has a latency."));
  const top = Math.max(...rows.map((row) => row.p95_ms)) / 1000;
  const unit = (value) => `${Number(value.toFixed(2))} s`;
  byId("latency").replaceChildren(...kinds.map((kind) => {
    const own = new Map(rows.filter((row) => row.kind === kind).map((row) => [row.group.day, row]));
    const turns = [...own.values()].reduce((sum, row) => sum + row.turns, 0);
    const values = (name) => days.map((day) => (own.has(day) ? Math.max(0, own.get(day)[name] / 1000) : null));
    const series = [{ name: "p95", values: values("p95_ms"), look: "upper" }, { name: "p50", values: values("p50_ms"), look: "lower" }];
    return make("figure", { class: "multiple" }, make("figcaption", { title: KINDS_TOLD[kind] }, make("b", {}, kindText(kind)), ` ${plural(turns, "turn")}`), lineChart({ days, series, top, unit, label: `${kindText(kind)} turns: wait for the reply, p50 and p95 by day` }));
  }));
}

// -- money -------------------------------------------------------------------------------------------------------------

function showSpend(box, rows, dimension, days) {
  const currencies = [...new Set(rows.flatMap((row) => Object.keys(row.amounts)))].sort();
  const charts = currencies.map((currency) => {
    const sums = new Map();
    for (const row of rows) {
      const name = row.group[dimension] || (dimension === "tenant" ? "no tenant" : "no model");
      const values = sums.get(name) ?? sums.set(name, days.map(() => 0)).get(name);
      const index = days.indexOf(row.group.day);
      if (index >= 0) values[index] += Number(row.amounts[currency] ?? 0);
    }
    const unit = (value) => moneyText(value, currency);
    return stackedBars({ days, series: largest(sums), unit, label: `Spend by ${dimension} and day, ${currency}` });
  });
  const unpriced = [...new Set(rows.flatMap((row) => row.unpriced))];
  box.replaceChildren(...(charts.length ? charts : [make("p", { class: "none" }, "Nothing was charged in this time.")]), ...(unpriced.length ? [make("p", { class: "unpriced" }, `Calls without a known price are not in here: ${unpriced.join(", ")}.`)] : []));
}

/** The largest by name, and the rest as one. */
function largest(sums) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const series = [...sums].map(([name, values]) => ({ name, values })).filter(({ values }) => sum(values)).sort((a, b) => sum(b.values) - sum(a.values));
  if (series.length <= MOST_SERIES + 1) return series;
  const rest = series.splice(MOST_SERIES);
  return [...series, { name: `${rest.length} others`, values: rest[0].values.map((_, index) => rest.reduce((total, { values }) => total + values[index], 0)) }];
}

// -- trouble -----------------------------------------------------------------------------------------------------------

const GROUPS = [
  ["As meant", "good", ["completed", "handoff", "transferred", "voicemail"]],
  ["Cut short", "middling", ["silence", "too_long", "too_dear", "stopped"]],
  ["Failed", "poor", ["channel_lost", "model_lost", "failed", ""]],
];

function showEnds(rows, days) {
  const series = GROUPS.map(([name, , members]) => ({ name, values: days.map((day) => rows.filter((row) => row.day === day && members.includes(row.disposition)).reduce((sum, row) => sum + row.calls, 0)) }));
  const counts = new Map();
  for (const row of rows) counts.set(row.disposition, (counts.get(row.disposition) ?? 0) + row.calls);
  if (!rows.length) return byId("ends").replaceChildren(make("p", { class: "none" }, "No call ended in this time."));
  const list = make("ul", { class: "counts" }, ...[...counts].sort((a, b) => b[1] - a[1]).map(([how, calls]) => make("li", {}, make("span", {}, how ? (ENDS[how] ?? how) : "Torn"), make("b", {}, countText(calls)))));
  byId("ends").replaceChildren(stackedBars({ days, series, unit: (value) => countText(value), label: "Calls by how they ended and day", looks: GROUPS.map(([, look]) => look) }), list);
}

// -- now ---------------------------------------------------------------------------------------------------------------

let sumsNow = [];

async function showNow() {
  const [live, metrics] = await Promise.all([askIfAllowed(askJson("v1/calls")), askIfAllowed(ask("metrics").then((response) => response.text()))]);
  const samples = metrics === null ? null : samplesOf(metrics);
  const most = samples?.find(({ name }) => name === "vivavoce_max_calls")?.value;
  const sum = sumsNow.reduce((total, row) => ({ calls: total.calls + row.calls, turns: total.turns + row.turns, minutes: total.minutes + Number(row.minutes), unpriced: [...total.unpriced, ...row.unpriced] }), { calls: 0, turns: 0, minutes: 0, unpriced: [] });
  const spent = sumsNow.map((row) => amountsText(row.amounts)).filter(Boolean).join(" + ");
  const wasted = sumsNow.map((row) => amountsText(row.shares.waste)).filter(Boolean).join(" + ");
  const agents = new Map();
  for (const call of live?.data ?? []) agents.set(call.agent, (agents.get(call.agent) ?? 0) + 1);
  byId("tiles").replaceChildren(
    tile("Live now", live === null ? "–" : countText(live.data.length), live === null ? "could not be asked" : [...agents].map(([agent, count]) => `${agent} ${count}`).join(", ") || (most ? `of ${countText(most)} at most` : "no call")),
    tile("Calls", countText(sum.calls), `${countText(sum.turns)} turns`),
    tile("Talk", `${countText(Math.round(sum.minutes))} min`, sum.calls ? `${(sum.minutes / sum.calls).toFixed(1)} min a call` : ""),
    tile("Spent", spent || "–", [wasted ? `${wasted} not heard` : "", sum.unpriced.length ? "not all is priced" : ""].filter(Boolean).join(" · ")));
  showRefused(samples);
}

const tile = (name, value, about) => make("div", { class: "tile" }, make("p", { class: "tile-name" }, name), make("p", { class: "tile-value" }, value), make("p", { class: "tile-about" }, about || " "));

/** Lines of Prometheus' text format. */
function samplesOf(text) {
  return text.split("\n").map((line) => /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line)).filter(Boolean)
    .map(([, name, labels = "", value]) => ({ name, labels: Object.fromEntries([...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, told]) => [key, told])), value: Number(value) }));
}

const COUNTED = [["vivavoce_calls_refused_total", "Calls"], ["vivavoce_requests_refused_total", "Requests"], ["vivavoce_connections_refused_total", "Connections"]];

function showRefused(samples) {
  if (samples === null) return byId("refused").replaceChildren(make("p", { class: "none" }, "Counts need a key with the scope metrics."));
  const rows = COUNTED.flatMap(([name, what]) => {
    const reasons = new Map();
    for (const sample of samples) if (sample.name === name && sample.value) reasons.set(sample.labels.reason, (reasons.get(sample.labels.reason) ?? 0) + sample.value);
    return [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, count]) => [what, REASONS[reason] ?? reason?.replaceAll("_", " ") ?? "", count]);
  });
  const most = Math.max(1, ...rows.map(([, , count]) => count));
  if (!rows.length) return byId("refused").replaceChildren(make("p", { class: "none" }, "Nothing and nobody."));
  byId("refused").replaceChildren(make("ul", { class: "reasons" }, ...rows.map(([what, reason, count]) => {
    const bar = make("i", { "aria-hidden": "true" });
    bar.style.width = `${(count / most) * 100}%`;
    return make("li", {}, make("span", {}, `${what}: ${reason}`), make("b", {}, countText(count)), bar);
  })));
}

async function menu() {
  const told = await askIfAllowed(askJson("v1/values/agent"));
  if (told) fillMenu("agent", told.data, form.elements.agent.value);
}

function start() {
  load();
  menu();
}

form.addEventListener("submit", (event) => event.preventDefault());
for (const element of [form, byId("basis")]) element.addEventListener("change", () => (writeAddress(), load()));
setInterval(() => document.hidden || byId("board").hidden || showNow(), NOW_MS);
readAddress();
start();
