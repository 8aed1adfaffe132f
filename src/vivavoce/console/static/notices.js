/** What the page says when it is not (or not yet, or no longer) in a call: why, and what to do next. */

import { byId, clockText, icon, make } from "./dom.js";

const TROUBLES = {
  key: ["This server wants a key", "Ask whoever runs it. The key is kept in this tab until you close it."],
  "key-wrong": ["That key was not accepted", "Check it, or ask whoever runs this server for another."],
  forbidden: ["That is not allowed here", "The server refused it."],
  "no-agent": ["No agent answers here", "The server runs without that agent. Start it with one: vivavoce serve AGENT."],
  busy: ["All lines are busy", "The server has as many calls as it can serve. Try again in a moment."],
  server: ["The call could not be set up", "The server refused it."],
  unreachable: ["The server cannot be reached", "Check that it is running and that you are online."],
  "microphone-denied": ["The microphone is blocked", "Allow it for this page in the browser's address bar, then call again. Or go on by typing; the agent still talks."],
  "microphone-missing": ["No microphone was found", "Connect one and call again, or go on by typing; the agent still talks."],
  insecure: ["The browser keeps the microphone shut", "It opens only for https pages and for this computer itself. Serve Vivavoce with TLS, or go on by typing."],
  lost: ["The connection was lost", "The call ended without a goodbye. What was said is kept above."],
};
const ENDS = {
  completed: "The call is over",
  handoff: "The agent asked for a person",
  transferred: "Somebody else has the call now",
  voicemail: "A machine answered",
  silence: "Ended: nobody spoke for a while",
  too_long: "Ended: the longest call was reached",
  too_dear: "Ended: the call cost as much as it may",
  channel_lost: "The connection was lost",
  model_lost: "The agent's model was lost",
  stopped: "The server ended the call",
  failed: "The call failed on the server's side",
};
const SAID_BETTER_THERE = ["server", "forbidden"]; // the server's own words say what was wrong
const BAD_ENDS = ["channel_lost", "model_lost", "failed"];

/** The actions that a notice may offer: {call, type, useKey, reload}. */
export class Notice {
  constructor(actions) {
    this.actions = actions;
    this.box = byId("notice");
  }

  hide() {
    this.box.hidden = true;
  }

  /** `about` says what is known of the agent before it is called. */
  idle(agent, about) {
    this.#show("", `Talk to ${agent}`, "Your microphone is open only while the call lasts.", [
      this.#button("Call", () => this.actions.call(), "primary", "phone"),
      this.#button("Type instead", () => this.actions.type(), "plain"),
    ]);
    if (about) this.box.append(make("p", { class: "about" }, about));
    this.box.append(keysHelp());
  }

  asking() {
    this.#show("wait", "Allow the microphone", "The browser asks whether this page may listen.", [this.#button("Cancel", () => this.actions.cancel())]);
  }

  connecting(agent) {
    this.#show("wait", `Calling ${agent}`, "One moment.", [this.#button("Cancel", () => this.actions.cancel())]);
  }

  waiting(agent, muted) {
    this.#show("wait", "You are connected", muted ? `${agent} will answer what you type.` : `Say something. ${agent} is listening.`, []);
  }

  /** `kind` is a Fault's; `after` whether there are captions above that must stay in view. */
  trouble(kind, words, after) {
    const [title, text] = TROUBLES[kind] ?? TROUBLES.server;
    const again = this.#button(after ? "Call again" : "Try again", () => this.actions.call(), "primary", "phone");
    const typing = this.#button("Type instead", () => this.actions.type());
    const offers = {
      key: [], "key-wrong": [], "no-agent": [this.#button("Look again", () => this.actions.reload())], unreachable: [this.#button("Try again", () => this.actions.reload(), "primary")],
      "microphone-denied": [again, typing], "microphone-missing": [again, typing], insecure: [this.#button("Type instead", () => this.actions.type(), "primary")],
    };
    this.#show(kind === "key" ? "" : "bad", title, SAID_BETTER_THERE.includes(kind) && words ? sentence(words) : text, offers[kind] ?? [again], after, kind.startsWith("key") ? "key" : "alert");
    if (kind.startsWith("key")) this.box.append(this.#keyForm());
  }

  ended({ disposition, seconds, cost }) {
    const facts = [clockText(seconds), cost].filter(Boolean).join(" · ");
    this.#show(BAD_ENDS.includes(disposition) ? "bad" : "", ENDS[disposition] ?? ENDS.completed, facts, [this.#button("Call again", () => this.actions.call(), "primary", "phone")], true);
  }

  #show(tone, title, text, buttons, after = false, picture = "mark") {
    this.box.dataset.tone = tone;
    this.box.classList.toggle("after", after);
    this.box.replaceChildren(
      make("div", { class: "notice-mark", "aria-hidden": "true" }, icon(picture)),
      make("h2", {}, title),
      make("p", {}, text),
      ...(buttons.length ? [make("div", { class: "actions" }, ...buttons)] : []));
    this.box.setAttribute("role", tone === "bad" ? "alert" : "group");
    this.box.setAttribute("aria-label", title);
    this.box.hidden = false;
  }

  #button(label, press, look = "", picture = "") {
    return make("button", { type: "button", class: `button ${look}`, onclick: press }, picture ? icon(picture) : null, label);
  }

  #keyForm() {
    const input = make("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true, placeholder: "Server key", "aria-label": "Server key" });
    const submit = (event) => {
      event.preventDefault();
      this.actions.useKey(input.value.trim());
    };
    return make("form", { class: "ask", onsubmit: submit }, input, make("button", { class: "button primary" }, "Continue"));
  }
}

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;

function keysHelp() {
  const key = (name, what) => make("span", {}, make("kbd", {}, name), ` ${what}`);
  return make("p", { class: "keys" }, key("Space", "mute"), key("Esc", "stop the agent"), key("Enter", "send what you typed"));
}
