/** The list of calls: filters in the address, pages from the server, live calls on top. */

import { byId, clockText, make } from "./dom.js";
import { BAD_ENDS, ENDS, KINDS, costText, countText, endText, plural, waitText, wholeWhenText, whenText } from "./formats.js";
import { askIfAllowed, askJson, fillMenu, say, showFault } from "./shell.js";

const NAMES = ["text", "since", "until", "order", "agent", "tenant", "model", "channel", "disposition", "kind", "slower_than_ms", "simulated"];
const LESS_USED = ["agent", "tenant", "model", "channel", "disposition", "kind", "slower_than_ms", "simulated"];
const MENUS = ["agent", "tenant", "model", "channel"];
const PAGE = 50;
const LIVE_MS = 5_000;
const TYPING_MS = 250;

const form = byId("filters");
let after = "";
let asking = new AbortController();
let typing = 0;

const field = (name) => form.elements[name];

/** What the address says is what is shown; the form follows. */
function readAddress() {
  const told = new URLSearchParams(location.search);
  for (const name of NAMES) {
    const value = told.get(name) ?? "";
    if (MENUS.includes(name) && value && ![...field(name).options].some((option) => option.value === value)) field(name).append(make("option", { value }, value));
    field(name).value = value;
  }
  if (LESS_USED.some((name) => field(name).value) || matchMedia("(min-width: 52rem)").matches) byId("more-filters").open = true;
}

function writeAddress() {
  const told = new URLSearchParams(NAMES.filter((name) => field(name).value).map((name) => [name, field(name).value.trim()]));
  history.replaceState(null, "", told.size ? `?${told}` : location.pathname);
}

/** Days are those of whoever looks, from midnight to midnight. */
function query() {
  const values = Object.fromEntries(NAMES.map((name) => [name, field(name).value.trim()]));
  if (values.since) values.since = midnight(values.since, 0);
  if (values.until) values.until = midnight(values.until, 1);
  return values;
}

function midnight(day, more) {
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + more);
  return date.toISOString();
}

const isFiltered = () => NAMES.some((name) => name !== "order" && field(name).value);

async function load(more = false) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  byId("list").setAttribute("aria-busy", "true");
  const used = LESS_USED.filter((name) => field(name).value).length;
  byId("filter-count").hidden = !used;
  byId("filter-count").textContent = used;
  byId("clear").hidden = !isFiltered();
  try {
    const page = await askJson("v1/records", { ...query(), limit: PAGE, after: more ? after : "" }, signal);
    show(page, more);
  } catch (fault) {
    if (fault.name === "AbortError") return;
    byId("table").hidden = byId("more").hidden = true;
    byId("total").textContent = "";
    showFault(byId("notice"), fault, start);
  }
  byId("list").removeAttribute("aria-busy");
}

function show(page, more) {
  after = page.after;
  const rows = page.data.map(row);
  const first = byId("rows").childElementCount;
  if (more) byId("rows").append(...rows);
  else byId("rows").replaceChildren(...rows);
  if (more) byId("rows").children[first]?.querySelector("a").focus({ preventScroll: true });
  byId("table").hidden = !byId("rows").childElementCount;
  byId("more").hidden = !after;
  byId("notice").hidden = true;
  byId("total").textContent = page.total ? `${plural(page.total, "call")}${after ? `, ${countText(byId("rows").childElementCount)} shown` : ""}` : "";
  if (!page.total) nothing();
}

function nothing() {
  const clear = make("button", { type: "button", class: "button", onclick: clearFilters }, "Clear filters");
  if (isFiltered()) say(byId("notice"), { picture: "mark", title: "No call is like that", text: "Ask for less, or for another time." }, clear);
  else say(byId("notice"), { picture: "phone", title: "No calls yet", text: "A call appears here as soon as it is over." }, make("a", { class: "button primary", href: "." }, "Talk to an agent"));
}

function row(call) {
  const cell = (label, content, look = "") => make("td", { "data-label": label, class: look }, content);
  const bad = call.torn || BAD_ENDS.includes(call.disposition);
  const flags = [call.simulated ? "simulated" : "", call.outbound ? "outbound" : "", call.errors ? plural(call.errors, "error") : "", call.barge_ins ? plural(call.barge_ins, "barge-in") : ""].filter(Boolean);
  return make("tr", {},
    make("th", { scope: "row", "data-label": "When" }, make("a", { href: `calls/${encodeURIComponent(call.call)}`, title: wholeWhenText(call.opened) }, whenText(call.opened))),
    cell("Agent", stacked(call.agent, call.tenant)),
    cell("Channel", call.channel || "–"),
    cell("Model", stacked(call.model || "–", call.simulated ? "simulated" : "")),
    cell("Length", clockText(call.duration_ms / 1000), "number"),
    cell("Turns", String(call.turns), "number"),
    cell("Median", waitText(call.median_ms), "number"),
    cell("Slowest", waitText(call.slowest_ms), "number"),
    cell("Cost", make("span", { title: call.unpriced.length ? `No price: ${call.unpriced.join(", ")}` : undefined }, costText(call.amounts, call.unpriced)), `number${call.simulated ? " would-be" : ""}`),
    cell("Ended", make("span", { class: "stacked" }, make("span", { class: `ended${bad ? " bad" : ""}` }, endText(call)), make("span", { class: "under" }, flags.filter((flag) => flag !== "simulated").join(", ")))));
}

const stacked = (words, under) => make("span", { class: "stacked" }, make("span", {}, words), under ? make("span", { class: "under" }, under) : null);

function clearFilters() {
  for (const name of NAMES) field(name).value = "";
  changed();
}

function changed() {
  writeAddress();
  load();
}

async function showLive() {
  const calls = await askIfAllowed(askJson("v1/calls"));
  const box = byId("live");
  box.hidden = !calls?.data.length;
  if (box.hidden) return;
  const items = calls.data.map((call) => make("li", {}, make("span", { class: "live-dot", "aria-hidden": "true" }), make("b", {}, call.agent), make("span", {}, `for ${clockText((Date.now() - new Date(call.opened)) / 1000)}`),
    call.held ? make("span", { class: "badge" }, "on hold") : null, call.approvals.length ? make("span", { class: "badge warn" }, plural(call.approvals.length, "approval") + " waiting") : null, make("code", {}, call.id)));
  box.replaceChildren(make("h2", {}, `Live now: ${plural(calls.data.length, "call")}`), make("ul", {}, ...items));
}

async function menus() {
  const told = await Promise.all(MENUS.map((name) => askIfAllowed(askJson(`v1/values/${name}`))));
  for (const [index, name] of MENUS.entries()) if (told[index]) fillMenu(name, told[index].data.filter(Boolean), field(name).value);
}

function start() {
  load();
  menus();
  showLive();
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", changed);
form.addEventListener("input", (event) => {
  if (event.target.type !== "text" && event.target.type !== "number") return;
  clearTimeout(typing);
  typing = setTimeout(changed, TYPING_MS);
});
byId("clear").addEventListener("click", clearFilters);
byId("more").addEventListener("click", () => load(true));
window.addEventListener("popstate", () => (readAddress(), load()));
setInterval(() => document.hidden || showLive(), LIVE_MS);
fillMenu("disposition", Object.keys(ENDS), "", (value) => ENDS[value]);
fillMenu("kind", Object.keys(KINDS), "", (value) => KINDS[value]);
readAddress();
start();
