/** Puts the page together: the store, the call, what shows it and what can be pressed. */

import { Approvals } from "./approvals.js";
import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { Conversation } from "./conversation.js";
import { byId, clockText, make } from "./dom.js";
import { Figures } from "./figures.js";
import { wireKeys } from "./keys.js";
import { Meter } from "./meter.js";
import { Notice } from "./notices.js";
import { Preferences } from "./preferences.js";
import { callableAgents } from "./server.js";
import { wireSettings } from "./settings.js";
import { Store } from "./store.js";
import { wireTabs } from "./tabs.js";
import { Tools } from "./tools.js";

const STATUS = { loading: "Starting", idle: "Ready", asking: "Waiting for the microphone", connecting: "Calling", ended: "Call ended", failed: "Not connected" };

const preferences = new Preferences();
const store = new Store({ phase: "loading", agent: "", title: "the agent", muted: false, typing: false, held: false, transport: "", since: 0, until: 0, fault: null, ending: null, talking: {}, answering: false, agentPlaying: false, timeline: null, warning: "" });
const names = { agent: "Agent" };
const conversation = new Conversation(names);
const figures = new Figures();
const tools = new Tools();
const meter = new Meter((change) => store.set({ talking: { ...store.state.talking, ...change } }));
let captions = new Captions();
let about = new Map(); // by agent: what can be told of it before the call

const call = new Call({ store, preferences, fact: take, told: forget, sounding: (sound) => meter.start(sound) });
const approvals = new Approvals((toolCall, approved) => call.answerTool(toolCall, approved));
const notice = new Notice({ call: () => begin(false), type: () => begin(true), cancel: () => call.hangUp(), reload: load, useKey: (key) => ((preferences.key = key), load()) });

function take(fact) {
  if (fact.type === "CallStarted" && fact.plan?.agent) title(fact.plan.agent);
  if (fact.type === "Flush" || fact.type === "CallerInterrupted") meter.bargeIn();
  const changed = captions.apply(fact);
  if (changed.length) {
    if (store.state.phase === "live") notice.hide(); // the last facts come when the end is told already
    conversation.show(changed);
  }
  tools.apply(fact);
  approvals.apply(fact);
  figures.apply(fact);
}

/** Of the call so far. */
function forget() {
  captions = new Captions();
  conversation.clear();
  tools.clear();
  approvals.clear();
  figures.clear();
}

function begin(typing) {
  forget();
  store.set({ warning: "", talking: {} });
  call.start(store.state.agent, { typing });
}

function title(name) {
  names.agent = name;
  byId("agent-name").textContent = name;
  store.set({ title: name });
}

function aboutAgent({ language, models }) {
  const spoken = language ? new Intl.DisplayNames(["en"], { type: "language" }).of(language) : "";
  return [spoken, models?.length ? `answered by ${models.join(", then ")}` : ""].filter(Boolean).join(" · ");
}

/** Who can be called here; without that there is nothing to press. */
async function load() {
  store.set({ phase: "loading", fault: null });
  try {
    const agents = await callableAgents(preferences.key);
    const remembered = preferences.get("agent");
    about = new Map(agents.map((agent) => [agent.id, aboutAgent(agent)]));
    byId("agent").replaceChildren(...agents.map(({ id, name }) => make("option", { value: id }, name ?? id)));
    byId("agent").value = agents.some(({ id }) => id === remembered) ? remembered : agents[0].id;
    choose();
    store.set({ phase: "idle" });
  } catch (fault) {
    store.set({ phase: "failed", fault });
  }
}

function choose() {
  store.set({ agent: byId("agent").value });
  title(byId("agent").selectedOptions[0].textContent);
}

/** Everything on the page that follows from the state alone. */
function show(state, changed) {
  const { phase } = state;
  document.documentElement.dataset.phase = phase;
  const live = phase === "live";
  document.documentElement.toggleAttribute("data-fresh", !live && !captions.entries.length);
  byId("dock").hidden = !live;
  byId("clock").hidden = !live;
  byId("agent").disabled = ["asking", "connecting", "live", "loading"].includes(phase) || !byId("agent").options.length;
  byId("status-text").textContent = live ? liveStatus(state) : STATUS[phase];
  if (changed.includes("phase")) byId("phase-text").textContent = live ? `Connected to ${state.title}` : STATUS[phase];
  byId("mute").setAttribute("aria-pressed", String(state.muted));
  byId("mute").disabled = state.typing;
  byId("words").placeholder = state.typing ? "Write to the agent" : "Type instead of talking";
  byId("mute-label").textContent = state.typing ? "Typing only" : state.muted ? (preferences.get("space") === "push" ? "Hold Space" : "Unmute") : "Mute";
  byId("mute-icon").setAttribute("href", `console/icons.svg#${state.muted ? "muted" : "microphone"}`);
  byId("hold").disabled = state.timeline !== true;
  byId("hold").setAttribute("aria-pressed", String(state.held));
  byId("hold-label").textContent = state.held ? "Resume" : "Hold";
  byId("stop").disabled = !(state.answering || state.agentPlaying || state.talking.agent);
  document.title = live ? `In a call: ${state.title}` : "Vivavoce";
  if (changed.includes("phase")) arrive(state);
}

function liveStatus({ transport, muted, typing, held, talking, title: agent, warning }) {
  if (warning) return warning;
  if (held) return "On hold";
  if (talking.agent && talking.caller) return "Both are talking";
  if (talking.agent) return `${agent} is talking`;
  if (talking.caller) return "You are talking";
  return muted && !typing ? "You are muted" : `Connected by ${transport}`;
}

/** What a new phase says and where the focus goes. */
function arrive(state) {
  const after = captions.entries.length > 0;
  if (state.phase !== "live") meter.stop();
  if (state.phase === "loading") notice.hide();
  else if (state.phase === "idle") notice.idle(state.title, about.get(state.agent));
  else if (state.phase === "asking") notice.asking();
  else if (state.phase === "connecting") notice.connecting(state.title);
  else if (state.phase === "live") enter(state, after);
  else if (state.phase === "failed") notice.trouble(state.fault.kind === "key" && preferences.key ? "key-wrong" : (state.fault.kind ?? "server"), state.fault.message, after);
  else notice.ended({ disposition: state.ending, seconds: (state.until - state.since) / 1000, cost: figures.costText });
  if (state.phase === "ended" || state.phase === "failed") showPart("conversation"); // what to do next stands there
  if (after) conversation.toEnd();
}

function enter(state, after) {
  if (!after) notice.waiting(state.title, state.typing);
  if (state.typing) byId("words").focus();
  else byId("scroll").focus({ preventScroll: true });
}

byId("agent").addEventListener("change", () => {
  preferences.set("agent", byId("agent").value);
  choose();
  if (store.state.phase === "idle") notice.idle(store.state.title, about.get(store.state.agent));
});
byId("mute").addEventListener("click", () => call.mute(!store.state.muted));
byId("hold").addEventListener("click", () => call.hold(!store.state.held));
byId("stop").addEventListener("click", () => call.stopAgent());
byId("hang-up").addEventListener("click", () => call.hangUp());
byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = byId("words").value.trim();
  byId("words").value = "";
  if (words) call.say(words);
});

const showPart = wireTabs();
wireSettings(preferences, (name) => {
  if (name === "input" || name === "output") call.changeDevice(name);
  if (name === "space" && store.state.phase === "live") call.mute(preferences.get("space") === "push");
  if (name === "key" && store.state.phase !== "live") load();
});
wireKeys({
  live: () => store.state.phase === "live",
  push: () => preferences.get("space") === "push",
  mute: () => call.mute(!store.state.muted),
  talk: (held) => call.mute(!held),
  stop: () => call.stopAgent(),
  type: () => byId("words").focus(),
});
setInterval(() => {
  if (store.state.phase === "live") byId("clock").textContent = clockText((performance.now() - store.state.since) / 1000);
}, 250);
window.addEventListener("pagehide", () => store.state.phase === "live" && call.hangUp());
store.listen(show);
load();
