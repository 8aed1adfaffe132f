/** Requests to the server besides the call itself. */

import { Fault, faultOf } from "./faults.js";

const bearer = (key) => (key ? { Authorization: `Bearer ${key}` } : {});

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    throw new Fault("unreachable", "", { cause: error });
  }
  if (!response.ok) throw await faultOf(response);
  return response;
}

/** What kept a socket from being opened, as far as the server says. */
export async function whyNot() {
  try {
    await ask("readyz");
    return new Fault("unreachable");
  } catch (fault) {
    return fault;
  }
}

/** The agents that can be called, each with its `id` and its `name`. */
export async function callableAgents(key) {
  const response = await ask("v1/agents", { headers: bearer(key) });
  const agents = (await response.json()).data;
  if (!agents.length) throw new Fault("no-agent");
  return agents;
}

/** A secret that opens calls to this agent for a short while, so that the key itself goes no further. */
export async function callSecret(key, agent) {
  const response = await ask("v1/realtime/client_secrets", {
    method: "POST",
    headers: { ...bearer(key), "Content-Type": "application/json" },
    body: JSON.stringify({ session: { type: "realtime", model: agent } }),
  });
  return (await response.json()).value;
}

/** Says whether a tool of the call may run. The key decides, and not the caller's secret. */
export async function answerTool(key, call, toolCall, approved) {
  const path = `v1/calls/${encodeURIComponent(call)}/tools/${encodeURIComponent(toolCall)}/${approved ? "approve" : "deny"}`;
  await ask(path, { method: "POST", headers: bearer(key) });
}

/** Lets the caller wait, or talk again. */
export async function holdCall(key, call, held) {
  await ask(`v1/calls/${encodeURIComponent(call)}/${held ? "hold" : "resume"}`, { method: "POST", headers: bearer(key) });
}

/** Gives an SDP offer; returns the answer and the call's id. */
export async function offerCall(secret, agent, sdp) {
  const response = await ask(`v1/realtime/calls?model=${encodeURIComponent(agent)}`, {
    method: "POST",
    headers: { ...bearer(secret), "Content-Type": "application/sdp" },
    body: sdp,
  });
  const call = (response.headers.get("Location") ?? "").split("/").pop();
  return { sdp: await response.text(), call };
}
