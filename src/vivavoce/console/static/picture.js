/** Draws a call on its time axis: both tracks, the lanes below, the playhead. Knows nothing of sound or of the server. */

import { preciseClock } from "./formats.js";

const RULER = 22;
const TRACK = 64;
const LANE = 26;
const GAP = 6;

export class Picture {
  /** `lanes` are those of lanesOf. */
  constructor(canvas, axis, { sound, lanes }) {
    this.canvas = canvas;
    this.axis = axis;
    this.sound = sound;
    this.lanes = lanes;
    this.peaks = []; // outlines, the closest look last
    this.playhead = 0;
    this.pointer = null;
    this.tracks = [{ side: "caller", top: RULER }, { side: "agent", top: RULER + TRACK + GAP }];
    this.lanesTop = RULER + 2 * (TRACK + GAP) + GAP;
    this.height = this.lanesTop + lanes.length * LANE;
  }

  /** Where the names of tracks and lanes belong. */
  get names() {
    const lanes = this.lanes.map(({ name }, index) => ({ name, top: this.lanesTop + index * LANE, height: LANE }));
    return [{ name: "Caller", top: this.tracks[0].top, height: TRACK }, { name: "Agent", top: this.tracks[1].top, height: TRACK }, ...lanes];
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.axis.width = Math.max(1, this.canvas.clientWidth);
    this.canvas.width = Math.round(this.axis.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.height = `${this.height}px`;
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** What is at this place, topmost last. */
  at(x, y) {
    const second = this.axis.second(x);
    const near = (4 / this.axis.width) * this.axis.span;
    const hit = (items) => items.filter((item) => second >= item.begin - near && second <= item.end + near).sort((a, b) => Math.abs(a.begin - second) - Math.abs(b.begin - second))[0] ?? null;
    const lane = Math.floor((y - this.lanesTop) / LANE);
    if (lane >= 0 && lane < this.lanes.length) {
      const items = this.lanes[lane].items;
      return this.lanes[lane].name === "Turns" ? (items.find((item) => second >= item.begin && second < item.end) ?? null) : hit(items);
    }
    const track = this.tracks.find(({ top }) => y >= top && y <= top + TRACK);
    return track ? hit(this.sound[track.side]) : null;
  }

  draw() {
    if (!this.context) this.resize();
    const style = getComputedStyle(this.canvas);

    this.ink = Object.fromEntries(["ink", "ink-faint", "ink-soft", "line", "sunken", "caller", "agent", "accent", "accent-soft", "warn", "warn-soft", "danger", "danger-soft", "surface", "line-strong"].map((name) => [name, resolved(this.canvas, name)]));
    this.font = style.fontFamily;
    this.context.clearRect(0, 0, this.axis.width, this.height);
    this.#ruler();
    for (const track of this.tracks) this.#track(track);
    for (const [index, lane] of this.lanes.entries()) this.#lane(lane, this.lanesTop + index * LANE);
    if (this.pointer !== null) this.#line(this.pointer, this.ink["line-strong"], 1);
    this.#line(this.axis.x(this.playhead), this.ink.ink, 1.5, true);
  }

  #ruler() {
    const { context: pen, axis } = this;
    const { step, seconds } = axis.ticks(90);
    pen.font = `500 11px ${this.font}`;
    pen.textBaseline = "middle";
    for (const second of seconds) {
      const x = Math.round(axis.x(second)) + 0.5;
      pen.strokeStyle = this.ink.line;
      pen.beginPath();
      pen.moveTo(x, RULER - 5);
      pen.lineTo(x, this.height);
      pen.stroke();
      pen.fillStyle = this.ink["ink-faint"];
      const text = step < 0.1 ? `${preciseClock(second)}${Math.round((second * 100) % 10)}` : step < 1 ? preciseClock(second) : preciseClock(second).split(".")[0];
      const wide = pen.measureText(text).width;
      if (x + wide + 4 < axis.width) pen.fillText(text, x + 4, 9);
    }
  }

  #track({ side, top }) {
    const { context: pen, axis } = this;
    pen.fillStyle = this.ink.sunken;
    pen.fillRect(0, top, axis.width, TRACK);
    pen.fillStyle = this.ink[side];
    if (!this.peaks.length) {
      for (const { begin, end } of this.sound[side]) this.#block(begin, end, top + TRACK / 2 - 9, 18);
      return;
    }
    const middle = top + TRACK / 2;
    const outline = this.peaks.findLast(({ from, until }) => from <= axis.begin + 1e-6 && until >= axis.end - 1e-6) ?? this.peaks[0];
    const loudest = Math.max(12, outline.loudest);
    const each = outline.frames_each / outline.rate_hz;
    const values = outline[side];
    pen.beginPath();
    for (let x = 0; x < axis.width; x += 1) {
      const first = Math.floor((axis.begin + (x / axis.width) * axis.span - outline.from) / each);
      const last = Math.max(first + 1, Math.ceil((axis.begin + ((x + 1) / axis.width) * axis.span - outline.from) / each));
      let low = 0;
      let high = 0;
      for (let index = Math.max(0, first); index < last && 2 * index + 1 < values.length; index += 1) {
        low = Math.min(low, values[2 * index]);
        high = Math.max(high, values[2 * index + 1]);
      }
      const up = Math.max(0.5, (high / loudest) * (TRACK / 2 - 3));
      pen.rect(x, middle - up, 1, up + Math.max(0.5, (-low / loudest) * (TRACK / 2 - 3)));
    }
    pen.fill();
  }

  #lane({ items, name }, top) {
    const { context: pen, axis } = this;
    for (const item of items) {
      if (item.end < axis.begin || item.begin > axis.end) continue;
      const [fill, line] = this.#tone(item.tone);
      if (item.point) {
        this.#diamond(axis.x(item.begin), top + LANE / 2, line);
        continue;
      }
      const x = Math.max(-4, axis.x(item.begin));
      const width = Math.max(3, Math.min(axis.width + 4, axis.x(item.end)) - x - (name === "Turns" ? 2 : 0));
      pen.fillStyle = fill;
      pen.beginPath();
      pen.roundRect(x, top + 4, width, LANE - 8, 4);
      pen.fill();
      if (item.wait) {
        pen.fillStyle = this.ink.warn;
        this.#block(item.wait.begin, item.wait.end, top + LANE - 7, 3);
      }
      pen.font = `550 11px ${this.font}`;
      pen.fillStyle = line;
      if (item.label && pen.measureText(item.label).width + 10 < width) pen.fillText(item.label, Math.max(5, x + 6), top + LANE / 2 + 0.5);
    }
  }

  #tone(tone) {
    const { ink } = this;
    return { turn: [ink["accent-soft"], ink.accent], calm: [ink.sunken, ink["ink-soft"]], tool: [ink.accent, ink.surface], warn: [ink["warn-soft"], ink.warn], hold: [ink.warn, ink.surface], bad: [ink["danger-soft"], ink.danger], badtool: [ink.danger, ink.surface] }[tone] ?? [ink.sunken, ink["ink-soft"]];
  }

  #block(begin, end, top, height) {
    const x = this.axis.x(begin);
    const width = Math.max(1.5, this.axis.x(end) - x);
    if (x > this.axis.width || x + width < 0) return;
    this.context.beginPath();
    this.context.roundRect(x, top, width, height, Math.min(4, height / 2, width / 2));
    this.context.fill();
  }

  #diamond(x, y, color) {
    const pen = this.context;
    pen.fillStyle = color;
    pen.beginPath();
    pen.moveTo(x, y - 6);
    pen.lineTo(x + 5, y);
    pen.lineTo(x, y + 6);
    pen.lineTo(x - 5, y);
    pen.fill();
  }

  #line(x, color, width, head = false) {
    if (x < -1 || x > this.axis.width + 1) return;
    const pen = this.context;
    pen.fillStyle = color;
    pen.fillRect(x - width / 2, head ? RULER - 8 : RULER, width, this.height);
    if (!head) return;
    pen.beginPath();
    pen.moveTo(x - 5, RULER - 10);
    pen.lineTo(x + 5, RULER - 10);
    pen.lineTo(x, RULER - 3);
    pen.fill();
  }
}

/** A colour of the theme as a canvas understands it. */
function resolved(element, name) {
  element.style.color = `var(--${name})`;
  const color = getComputedStyle(element).color;
  element.style.color = "";
  return color;
}
