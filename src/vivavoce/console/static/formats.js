/** How instants, lengths, money and the words of the ledger are written. */

import { durationText } from "./dom.js";

export const KINDS = { opening: "Opening", first: "First", clean: "Clean", tool: "Tool", interrupted: "Interrupted", renewal: "Renewal", failover: "Failover" };
export const KINDS_TOLD = {
  opening: "What the agent said before the caller had spoken", first: "The caller's first turn", clean: "Nothing special happened", tool: "A tool ran before the answer",
  interrupted: "The caller took the turn while the agent was heard", renewal: "The first answer of a session that took over as planned", failover: "A session was lost, or another model took over",
};
export const ENDS = {
  completed: "Completed", handoff: "Asked for a person", transferred: "Transferred", voicemail: "Voicemail", silence: "Nobody spoke", too_long: "Too long",
  too_dear: "Too dear", channel_lost: "Line lost", model_lost: "Model lost", stopped: "Stopped", failed: "Failed",
};
export const BAD_ENDS = ["channel_lost", "model_lost", "failed"];

const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const WHEN_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const COUNT = new Intl.NumberFormat("en-US");

export const whenText = (iso) => WHEN.format(new Date(iso));
export const wholeWhenText = (iso) => WHEN_YEAR.format(new Date(iso));
export const dayText = (day) => DAY.format(new Date(`${day}T00:00:00Z`));
export const countText = (number) => COUNT.format(number);
export const plural = (count, one, many = `${one}s`) => `${countText(count)} ${count === 1 ? one : many}`;
export const kindText = (kind) => KINDS[kind] ?? kind;

export function endText({ torn, disposition }) {
  return torn ? "Torn" : (ENDS[disposition] ?? (disposition || "–"));
}

/** Below zero where the agent spoke into the caller's speech. */
export function waitText(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 0 ? `−${durationText(-ms)}` : durationText(ms);
}

/** `12.34` of `USD` → `$12.34`; small amounts keep two digits that say something. */
export function moneyText(amount, currency) {
  const value = Number(amount);
  const size = Math.abs(value);
  const digits = size >= 1 || size === 0 ? 2 : Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(size))));
  try {
    return new Intl.NumberFormat("en-US", { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  } catch {
    return `${value.toFixed(digits)} ${currency}`; // a currency of one's own
  }
}

/** Sums by currency; they are never added up. Empty where nothing was charged. */
export const amountsText = (amounts) => Object.entries(amounts).map(([currency, amount]) => moneyText(amount, currency)).join(" + ");

/** A cost that says what it does not know: unknown is not free. */
export function costText(amounts, unpriced) {
  const text = amountsText(amounts);
  if (!unpriced.length) return text || "–";
  return text ? `${text} + ?` : "unpriced";
}

/** `83.4` → `1:23.4`. */
export function preciseClock(seconds) {
  const tenths = Math.max(0, Math.floor(seconds * 10));
  const minutes = Math.floor(tenths / 600);
  return `${minutes}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}
