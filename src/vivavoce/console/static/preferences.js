/** What the page remembers: choices in this browser, the key only as long as this tab lives. */

const CHOICES = "vivavoce.console";
const KEY = "vivavoce.key";
const DEFAULTS = { theme: "auto", input: "", output: "", space: "mute", transport: "auto", agent: "" };

/** Storage can be forbidden; then nothing is remembered and nothing breaks. */
function attempt(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

export class Preferences {
  #choices = { ...DEFAULTS, ...attempt(() => JSON.parse(localStorage.getItem(CHOICES))) };
  #key = attempt(() => sessionStorage.getItem(KEY)) ?? "";

  get(name) {
    return this.#choices[name];
  }

  set(name, value) {
    this.#choices[name] = value;
    attempt(() => localStorage.setItem(CHOICES, JSON.stringify(this.#choices)));
  }

  get key() {
    return this.#key;
  }

  set key(value) {
    this.#key = value;
    attempt(() => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)));
  }
}
