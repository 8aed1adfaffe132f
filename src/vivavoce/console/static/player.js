/** Hears and shows a call on its time axis: click to play from there, space, zoom, scroll. */

import { Axis } from "./axis.js";
import { byId, clockText, icon, make } from "./dom.js";
import { preciseClock } from "./formats.js";
import { lanesOf } from "./lanes.js";
import { Picture } from "./picture.js";
import { ROOT, ask, askJson, hasKey } from "./shell.js";

const CLOSER_MS = 160;
const DRAG_PX = 5;
const TYPED = "input, textarea, select, [contenteditable]";
const PRESSED = "button, summary, a";

export class Player {
  #seconds = 0;
  #waiting = 0;
  #sound = false; // whether the element knows where its sound is
  #loading = null;

  constructor(told, { chosen }) {
    this.told = told;
    this.call = encodeURIComponent(told.record.call);
    this.chosen = chosen; // hears which turn the playhead is in
    this.audio = byId("audio");
    this.canvas = byId("axis");
    const found = lanesOf(told);
    this.turns = found.lanes[0].items;
    this.axis = new Axis(told.record.duration_us / 1e6, () => this.#moved());
    this.picture = new Picture(this.canvas, this.axis, found);
    byId("axis-names").replaceChildren(...this.picture.names.map(({ name, top, height }) => {
      const label = make("span", {}, name);
      label.style.top = `${top}px`;
      label.style.height = `${height}px`;
      return label;
    }));
    byId("axis-names").style.height = `${this.picture.height}px`;
    byId("length").textContent = `of ${clockText(this.axis.duration)}`;
    this.canvas.setAttribute("aria-valuemax", this.axis.duration.toFixed(1));
    this.#wireButtons();
    this.#wirePointer();
    this.#wireKeys();
    this.#wireSound();
    new ResizeObserver(() => (this.picture.resize(), this.draw())).observe(this.canvas.parentElement);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.#show();
  }

  get hasSound() {
    return this.told.recorded;
  }

  /** Shows that instant, and plays from it if there is sound. */
  async seek(second, { play = true } = {}) {
    this.#seconds = Math.min(this.axis.duration, Math.max(0, second));
    this.axis.follow(this.#seconds);
    this.#show();
    if (!this.hasSound) return;
    await this.#load();
    this.audio.currentTime = this.#seconds;
    if (play) await this.audio.play().catch(() => {});
  }

  async toggle() {
    if (!this.hasSound) return;
    if (!this.audio.paused) return this.audio.pause();
    const over = this.#seconds >= this.axis.duration - 0.05;
    await this.seek(over ? 0 : this.#seconds);
  }

  draw() {
    this.picture.playhead = this.#seconds;
    this.picture.draw();
  }

  /** A browser asks for sound without our headers: with a key the whole of it is fetched first. */
  #load() {
    this.#loading ??= (async () => {
      const path = `v1/records/${this.call}/audio`;
      if (hasKey()) byId("sound-note").textContent = "Fetching the sound …";
      this.audio.src = hasKey() ? URL.createObjectURL(await (await ask(path)).blob()) : new URL(path, ROOT);
      this.#sound = true;
      byId("sound-note").textContent = "";
    })().catch(() => this.#soundless());
    return this.#loading;
  }

  #soundless() {
    this.told.recorded = false;
    byId("play").disabled = true;
    byId("sound-note").textContent = "No sound is kept of this call.";
  }

  #wireSound() {
    byId("play").replaceChildren(icon("play"));
    if (!this.hasSound) return this.#soundless();
    const showState = () => {
      byId("play").replaceChildren(icon(this.audio.paused ? "play" : "hold"));
      byId("play").setAttribute("aria-label", this.audio.paused ? "Play" : "Pause");
    };
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, showState);
    this.audio.addEventListener("error", () => this.#sound && this.#soundless());
    const step = () => {
      if (this.audio.paused) return;
      this.#heard();
      requestAnimationFrame(step);
    };
    this.audio.addEventListener("play", () => requestAnimationFrame(step));
    this.audio.addEventListener("pause", () => this.#heard());
    if (!hasKey()) this.#load();
    this.#fetchPeaks();
  }

  #heard() {
    this.#seconds = Math.min(this.axis.duration, this.audio.currentTime);
    this.axis.follow(this.#seconds);
    this.#show();
  }

  #show() {
    byId("time").textContent = preciseClock(this.#seconds);
    const turn = this.turns.findLast((one) => one.begin <= this.#seconds + 1e-6);
    this.canvas.setAttribute("aria-valuenow", this.#seconds.toFixed(1));
    this.canvas.setAttribute("aria-valuetext", `${preciseClock(this.#seconds)}${turn ? `, turn ${turn.turn}` : ""}`);
    this.chosen(turn?.turn ?? null);
    this.draw();
  }

  /** The whole first; what is looked at closely is asked for when the view rests. */
  async #fetchPeaks(begin = 0, end = this.axis.duration) {
    const whole = begin <= 0 && end >= this.axis.duration;
    const points = Math.min(8000, Math.max(600, 2 * this.axis.width));
    const query = whole ? { points } : { points, begin_us: Math.round(begin * 1e6), end_us: Math.round(end * 1e6) };
    try {
      const told = await askJson(`v1/records/${this.call}/waveform`, query);
      const outline = { ...told, from: told.first / told.rate_hz, until: whole ? Infinity : end };
      outline.loudest = whole ? Math.max(...told.caller, ...told.agent) : this.picture.peaks[0]?.loudest;
      this.picture.peaks = whole ? [outline] : [this.picture.peaks[0], outline];
      this.draw();
    } catch {
      if (whole) this.#soundless();
    }
  }

  #moved() {
    this.canvas.dataset.begin = this.axis.begin.toFixed(3);
    this.canvas.dataset.end = this.axis.end.toFixed(3);
    byId("tip").hidden = true;
    for (const id of ["zoom-out", "whole", "pan-back", "pan-forth"]) byId(id).disabled = this.axis.isWhole;
    this.draw();
    clearTimeout(this.#waiting);
    if (!this.axis.isWhole && this.picture.peaks.length) {
      const { begin, end, span } = this.axis;
      this.#waiting = setTimeout(() => this.#fetchPeaks(Math.max(0, begin - span / 2), end + span / 2), CLOSER_MS);
    }
  }

  #wireButtons() {
    for (const [id, picture, press] of [
      ["zoom-in", "zoom-in", () => this.axis.zoom(0.5, this.#around())], ["zoom-out", "zoom-out", () => this.axis.zoom(2, this.#around())], ["whole", "whole", () => this.axis.whole()],
      ["pan-back", "back", () => this.axis.pan(-0.5)], ["pan-forth", "forth", () => this.axis.pan(0.5)],
    ]) {
      byId(id).replaceChildren(icon(picture));
      byId(id).addEventListener("click", press);
      if (id !== "zoom-in") byId(id).disabled = true;
    }
    byId("play").addEventListener("click", () => this.toggle());
  }

  /** The playhead, if it is in view. */
  #around() {
    return this.#seconds >= this.axis.begin && this.#seconds <= this.axis.end ? this.#seconds : undefined;
  }

  #wirePointer() {
    const { canvas } = this;
    let drag = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener("pointerdown", (event) => {
      drag = { ...place(event), moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      const here = place(event);
      if (drag && !this.axis.isWhole && (drag.moved || Math.abs(here.x - drag.x) > DRAG_PX)) {
        if (!drag.moved) canvas.setPointerCapture(event.pointerId);
        this.axis.pan((drag.x - here.x) / this.axis.width);
        drag = { ...here, moved: true };
      } else this.#hover(here);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) this.seek(this.axis.second(place(event).x));
      drag = null;
    });
    canvas.addEventListener("pointercancel", () => (drag = null));
    canvas.addEventListener("pointerleave", () => {
      byId("tip").hidden = true;
      this.picture.pointer = null;
      this.draw();
    });
    canvas.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) this.axis.zoom(Math.exp(event.deltaY * 0.003), this.axis.second(place(event).x));
      else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) this.axis.pan(sideways / this.axis.width);
      else return; // the page scrolls
      event.preventDefault();
    }, { passive: false });
  }

  #hover({ x, y }) {
    const item = this.picture.at(x, y);
    const tip = byId("tip");
    this.picture.pointer = x;
    this.draw();
    const when = preciseClock(item && !item.point ? item.begin : this.axis.second(x));
    tip.replaceChildren(make("b", {}, item && !item.point && item.end - item.begin >= 0.05 ? `${when} – ${preciseClock(item.end)}` : when), item ? ` ${item.text}` : "");
    tip.hidden = false;
    tip.style.left = `${Math.max(0, Math.min(x + 12, this.axis.width - tip.offsetWidth))}px`;
    tip.style.top = `${Math.max(0, y - tip.offsetHeight - 10)}px`;
  }

  #wireKeys() {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPED)) return;
      const onAxis = event.target === this.canvas;
      const step = event.shiftKey ? 5 : 1;
      const keys = {
        ...(event.target.closest(PRESSED) ? {} : { " ": () => this.toggle() }),
        "+": () => this.axis.zoom(0.5, this.#around()), "=": () => this.axis.zoom(0.5, this.#around()), "-": () => this.axis.zoom(2, this.#around()), 0: () => this.axis.whole(),
        ...(onAxis ? {
          ArrowLeft: () => this.#step(-step), ArrowRight: () => this.#step(step), Home: () => this.#step(-Infinity), End: () => this.#step(Infinity),
          PageUp: () => this.axis.pan(-0.5), PageDown: () => this.axis.pan(0.5),
        } : {}),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  #step(seconds) {
    this.seek(this.#seconds + seconds, { play: !this.audio.paused });
  }
}
