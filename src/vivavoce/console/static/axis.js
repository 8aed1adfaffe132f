/** Which stretch of the call is looked at, and where on the screen an instant is. All in seconds and pixels. */

const SHORTEST_S = 0.25;

export class Axis {
  constructor(duration, changed) {
    this.duration = Math.max(duration, 0.1);
    this.begin = 0;
    this.end = this.duration;
    this.width = 1;
    this.changed = changed;
  }

  get span() {
    return this.end - this.begin;
  }

  get isWhole() {
    return this.span >= this.duration - 1e-6;
  }

  x(second) {
    return ((second - this.begin) / this.span) * this.width;
  }

  second(x) {
    return Math.min(this.duration, Math.max(0, this.begin + (x / this.width) * this.span));
  }

  /** `factor` below 1 looks closer; `around` stays where it is. */
  zoom(factor, around = this.begin + this.span / 2) {
    const span = Math.min(this.duration, Math.max(SHORTEST_S, this.span * factor));
    this.#move(around - (around - this.begin) * (span / this.span), span);
  }

  pan(share) {
    this.#move(this.begin + share * this.span, this.span);
  }

  /** Brings an instant into view, at the left where it had left. */
  follow(second) {
    if (second < this.begin || second > this.end) this.#move(second - this.span * 0.05, this.span);
  }

  whole() {
    this.#move(0, this.duration);
  }

  /** Seconds at which to write the time, about one each `pixels`. */
  ticks(pixels) {
    const wanted = (this.span * pixels) / this.width;
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find((one) => one >= wanted) ?? 3600;
    const first = Math.ceil(this.begin / step - 1e-9);
    return { step, seconds: Array.from({ length: Math.max(0, Math.floor(this.end / step + 1e-9) - first + 1) }, (_, index) => (first + index) * step) };
  }

  #move(begin, span) {
    const before = [this.begin, this.end];
    this.begin = Math.max(0, Math.min(begin, this.duration - span));
    this.end = this.begin + span;
    if (before[0] !== this.begin || before[1] !== this.end) this.changed();
  }
}
