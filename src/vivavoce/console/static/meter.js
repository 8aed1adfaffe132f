/** Both sides' loudness over the last seconds: the agent above the line, the caller below, so that overlap can be seen. */

import { byId } from "./dom.js";

const COLUMN_PX = 4;
const STEP_MS = 50;
const TALKING = 0.02; // RMS of speech at arm's length; a quiet room has a tenth of it
const HOLD_MS = 350;
const LOUD = 0.4; // full height

export class Meter {
  #columns = []; // {agent, caller, mark}
  #stop = null;
  #talked = { agent: -Infinity, caller: -Infinity };
  #mark = false;

  constructor(talking) {
    this.canvas = byId("wave");
    this.labels = { agent: byId("agent-talks"), caller: byId("caller-talks") };
    this.talking = talking; // hears {agent, caller} whenever one of them changes
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  start(sound) {
    this.stop();
    this.#columns = [];
    const samples = new Float32Array(sound.callerLevel.fftSize);
    const level = (analyser) => {
      analyser.getFloatTimeDomainData(samples);
      let energy = 0;
      for (const sample of samples) energy += sample * sample;
      return Math.sqrt(energy / samples.length);
    };
    const timer = setInterval(() => this.step({ agent: level(sound.agentLevel), caller: level(sound.callerLevel) }), STEP_MS);
    this.#stop = () => clearInterval(timer);
  }

  stop() {
    this.#stop?.();
    this.#stop = null;
    for (const label of Object.values(this.labels)) label.removeAttribute("data-talking");
  }

  /** A line where the caller took the turn. */
  bargeIn() {
    this.#mark = true;
  }

  step(levels) {
    const now = performance.now();
    for (const side of ["agent", "caller"]) {
      if (levels[side] > TALKING) this.#talked[side] = now;
      const talking = now - this.#talked[side] < HOLD_MS;
      if (talking !== this.labels[side].hasAttribute("data-talking")) {
        this.labels[side].toggleAttribute("data-talking", talking);
        this.talking({ [side]: talking });
      }
    }
    this.#columns.push({ ...levels, mark: this.#mark });
    this.#mark = false;
    this.#draw();
  }

  #draw() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const room = this.still.matches ? 1 : Math.floor(width / COLUMN_PX);
    this.#columns = this.#columns.slice(-room);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const colours = this.#colours();
    pen.fillStyle = colours.line;
    pen.fillRect(0, height / 2 - 0.5, width, 1);
    if (this.still.matches) this.#bars(pen, colours, width, height);
    else this.#wave(pen, colours, width, height);
  }

  #wave(pen, colours, width, height) {
    const left = width - this.#columns.length * COLUMN_PX;
    for (const [index, column] of this.#columns.entries()) {
      const x = left + index * COLUMN_PX;
      for (const [side, sign] of [["agent", -1], ["caller", 1]]) {
        const size = Math.max(1, shape(column[side]) * (height / 2 - 2));
        pen.fillStyle = colours[side];
        pen.globalAlpha = column[side] > TALKING ? 1 : 0.35;
        pen.beginPath();
        pen.roundRect(x, sign < 0 ? height / 2 - 1 - size : height / 2 + 1, COLUMN_PX - 1.5, size, 1.25);
        pen.fill();
      }
      pen.globalAlpha = 1;
      if (column.mark) {
        pen.fillStyle = colours.mark;
        pen.fillRect(x, 0, 1.5, height);
      }
    }
  }

  /** Without motion: one bar for each side that only grows and shrinks. */
  #bars(pen, colours, width, height) {
    const column = this.#columns.at(-1);
    for (const [side, top] of [["agent", 0.25], ["caller", 0.75]]) {
      pen.fillStyle = colours[side];
      pen.fillRect(0, height * top - 3, shape(column[side]) * width, 6);
    }
  }

  #colours() {
    const style = (element) => getComputedStyle(element).color;
    const probe = (name) => {
      this.canvas.style.color = `var(--${name})`;
      return style(this.canvas);
    };
    return { agent: probe("agent"), caller: probe("caller"), line: probe("line"), mark: probe("warn") };
  }
}

/** RMS to 0 … 1: soft speech can be seen and loud speech still differs. */
const shape = (rms) => Math.min(1, (rms / LOUD) ** 0.6);
