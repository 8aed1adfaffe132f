/** What the pages about calls that are over have in common: the key, questions to the server, and what is said when one fails. */

import { byId, icon, make } from "./dom.js";
import { Fault, faultOf } from "./faults.js";
import { Preferences } from "./preferences.js";
import { wireTheme } from "./settings.js";

/** Where the console lies: pages may be one level deep, and a proxy may put everything under a path. */
export const ROOT = new URL("..", import.meta.url);

const TROUBLES = {
  key: ["This server wants a key", "One that may read calls (calls:read). It is kept in this tab until you close it."],
  "key-wrong": ["That key was not accepted", "Check it, or ask whoever runs this server for another."],
  forbidden: ["This key may not read calls", "Ask for one with the scope calls:read."],
  "no-agent": ["There is no such call", "It was never kept here, was forgotten since, or your key may not see it."],
  busy: ["The store of calls is away", ""],
  unreachable: ["The server cannot be reached", "Check that it is running and that you are online."],
  server: ["The server refused", ""],
};
const WITH_KEY_FORM = ["key", "key-wrong", "forbidden"];
const preferences = new Preferences();
wireTheme(preferences);

export const hasKey = () => Boolean(preferences.key);

/** The answer to GET; raises a {@link Fault}. `query` leaves out what is empty. */
export async function ask(path, query = {}, signal = undefined) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  const headers = preferences.key ? { Authorization: `Bearer ${preferences.key}` } : {};
  let response;
  try {
    response = await fetch(url, { headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("unreachable", "", { cause: error });
  }
  if (!response.ok) throw await faultOf(response);
  return response;
}

export const askJson = async (path, query, signal) => (await ask(path, query, signal)).json();

/** What is only shown if it can be had, such as what needs another scope. */
export const askIfAllowed = (work) => work.catch(() => null);

/** Says in `box` what went wrong; `retry` tries again, also with a key that is given there. */
export function showFault(box, fault, retry) {
  if (!(fault instanceof Fault)) throw fault;
  const kind = fault.kind === "key" && preferences.key ? "key-wrong" : fault.kind;
  const [title, text] = TROUBLES[kind] ?? TROUBLES.server;
  const button = make("button", { type: "button", class: "button", onclick: retry }, "Try again");
  say(box, { picture: kind.startsWith("key") ? "key" : "alert", bad: kind !== "key", title, text: text || fault.message }, WITH_KEY_FORM.includes(kind) ? keyForm(retry) : button);
  box.setAttribute("role", "alert");
}

/** A picture, a sentence, what to do next. */
export function say(box, { picture, bad = false, title, text }, ...more) {
  box.removeAttribute("role");
  box.classList.toggle("bad", bad);
  box.replaceChildren(make("div", { class: "empty-mark", "aria-hidden": "true" }, icon(picture)), make("h2", {}, title), text ? make("p", {}, text) : null, ...more.filter(Boolean));
  box.hidden = false;
}

function keyForm(retry) {
  const input = make("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true, placeholder: "Server key", "aria-label": "Server key" });
  const submit = (event) => {
    event.preventDefault();
    preferences.key = input.value.trim();
    retry();
  };
  return make("form", { class: "ask", onsubmit: submit }, input, make("button", { class: "button primary" }, "Continue"));
}

/** Adds what a menu can choose from; what is chosen already stays, known or not. */
export function fillMenu(id, values, chosen, named = (value) => value) {
  const select = byId(id);
  const first = select.options[0];
  const all = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  select.replaceChildren(first, ...all.map((value) => make("option", { value }, named(value))));
  select.value = chosen ?? "";
}
