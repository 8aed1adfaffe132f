/** What stands on a call's time axis, lane by lane: taken from its marks, or from its turns where the timeline is gone. */

import { KINDS_TOLD, kindText, waitText } from "./formats.js";

const FLOOR = { taken: "The caller took the turn", kept: "The agent kept the turn", passed: "Heard, and answered after", flushed: "Playing was cut off" };
const SWAPS = { renewal: "Renewal: another session took over as planned", failover: "Failover: another session took over", lost: "A model session was lost" };
const s = (us, otherwise) => (us === null || us === undefined ? otherwise : us / 1e6);

/** Lanes of `{name, items: [{begin, end, label, tone, text}]}`; `sound` is what both tracks hold if there is no recording. */
export function lanesOf({ record, marks }) {
  const end = record.duration_us / 1e6;
  const span = (mark, more) => ({ begin: s(mark.begin_us, 0), end: s(mark.end_us, end), ...more });
  const found = marks ?? marksOfTurns(record);
  return {
    sound: {
      caller: found.caller.map((mark) => span(mark, { text: "The caller speaks", tone: "caller" })),
      agent: found.agent.map((mark) => span(mark, { text: "The agent is heard", tone: "agent" })),
    },
    lanes: [
      { name: "Turns", items: record.turns.map((turn, index) => turnItem(turn, record.turns[index + 1], end)) },
      { name: "Tools", items: found.tools.map((mark) => span(mark, { label: mark.name, text: `${mark.name}: ${mark.status || "never ended"}`, tone: mark.status === "ok" ? "tool" : "badtool" })) },
      { name: "Floor", items: found.floor.map((mark) => span(mark, { text: [FLOOR[mark.what] ?? mark.what, mark.why ? `(${mark.kind}: ${mark.why})` : ""].join(" ").trim(), tone: mark.what === "kept" ? "calm" : "warn", point: true })) },
      { name: "Sessions", items: found.swaps.map((mark) => span(mark, { text: [SWAPS[mark.what] ?? mark.what, mark.model, mark.reason].filter(Boolean).join(" · "), tone: mark.what === "renewal" ? "calm" : "bad", point: true })) },
      ...(found.holds.length ? [{ name: "Hold", items: found.holds.map((mark) => span(mark, { label: "on hold", text: "The caller waits, unheard", tone: "hold" })) }] : []),
    ],
  };
}

export const turnBegin = (turn) => s(turn.began_us ?? turn.first_sent_us ?? turn.speech_ended_us, 0);

function turnItem(turn, next, end) {
  const text = `Turn ${turn.number}, ${kindText(turn.kind).toLowerCase()}: ${KINDS_TOLD[turn.kind] ?? ""}. Answered after ${waitText(turn.events_ms)}`;
  const wait = turn.speech_ended_us !== null && turn.first_sent_us !== null ? { begin: turn.speech_ended_us / 1e6, end: turn.first_sent_us / 1e6 } : null;
  return { begin: turnBegin(turn), end: next ? turnBegin(next) : end, label: String(turn.number), text, tone: turn.kind === "opening" ? "calm" : "turn", wait, turn: turn.number };
}

function marksOfTurns(record) {
  const turns = record.turns;
  const played = (turn) => ({ begin_us: turn.first_played_us, end_us: turn.first_played_us + (turn.played_samples / record.rate_hz) * 1e6 });
  return {
    caller: turns.filter((turn) => turn.began_us != null && turn.speech_ended_us != null).map((turn) => ({ begin_us: turn.began_us, end_us: turn.speech_ended_us })),
    agent: turns.filter((turn) => turn.first_played_us != null && record.rate_hz).map(played),
    tools: turns.flatMap((turn) => turn.tools.map((tool) => ({ begin_us: tool.started_us, end_us: tool.finished_us, name: tool.name, status: tool.status }))),
    floor: turns.filter((turn) => turn.interrupted && turn.first_played_us != null && record.rate_hz).map((turn) => ({ begin_us: played(turn).end_us, end_us: played(turn).end_us, what: "flushed" })),
    swaps: record.swaps.map((swap) => ({ begin_us: swap.at_us, end_us: swap.at_us, what: swap.moment === "recovery" ? "failover" : "renewal", reason: swap.reason })),
    holds: [],
  };
}
