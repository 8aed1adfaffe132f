/** What the page knows of the call, in one place; whoever shows a part of it listens. */

export class Store {
  #listeners = new Set();

  constructor(state) {
    this.state = state;
  }

  /** Listeners hear once for each change, with the names that changed. */
  set(patch) {
    const changed = Object.keys(patch).filter((name) => this.state[name] !== patch[name]);
    if (!changed.length) return;
    this.state = { ...this.state, ...patch };
    for (const listener of this.#listeners) listener(this.state, changed);
  }

  listen(listener) {
    this.#listeners.add(listener);
    listener(this.state, Object.keys(this.state));
  }
}
