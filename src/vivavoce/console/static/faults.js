/** What can go wrong, by kind: the kind decides what the page says and offers. */

export class Fault extends Error {
  /** @param {"key"|"forbidden"|"no-agent"|"busy"|"server"|"unreachable"|"microphone-denied"|"microphone-missing"|"insecure"|"lost"} kind */
  constructor(kind, message = "", options = {}) {
    super(message, options);
    this.kind = kind;
  }
}

/** The fault that a refused request stands for; the server's own words are kept. */
export async function faultOf(response) {
  let words = "";
  try {
    words = (await response.json()).error?.message ?? "";
  } catch {
    // not the protocol's error shape: the status must do
  }
  if (response.status === 401) return new Fault("key", words);
  if (response.status === 403) return new Fault("forbidden", words);
  if (response.status === 404) return new Fault("no-agent", words);
  if (response.status === 429 || response.status === 503) return new Fault("busy", words);
  return new Fault("server", words || `The server answered ${response.status}.`);
}
