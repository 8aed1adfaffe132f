/** Small charts as SVG: lines over days and stacked bars, with axes, tooltips, and the same figures as a table. */

import { make } from "./dom.js";
import { dayText } from "./formats.js";

const NS = "http://www.w3.org/2000/svg";
const MARGIN = { top: 12, right: 12, bottom: 24, left: 52 };
const PALETTE = 6;

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Round steps from 0 to at least `top`. */
export function steps(top, wanted = 4) {
  if (!(top > 0)) return [0, 1];
  const raw = top / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw - 1e-12);
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

class Plot {
  constructor({ days, top, height, unit, label, right = MARGIN.right, width }) {
    this.days = days;
    this.width = width;
    this.height = height;
    this.left = MARGIN.left;
    this.inner = width - MARGIN.left - right;
    this.bottom = height - MARGIN.bottom;
    this.ticks = steps(top);
    this.top = this.ticks.at(-1);
    this.svg = draw("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
    for (const tick of this.ticks) {
      this.svg.append(draw("line", { class: "grid", x1: this.left, x2: this.left + this.inner, y1: this.y(tick), y2: this.y(tick) }));
      this.text(this.left - 8, this.y(tick), unit(tick), "tick end");
    }
    const every = Math.ceil(days.length / Math.max(1, Math.floor(this.inner / 56)));
    days.forEach((day, index) => (days.length - 1 - index) % every || this.text(this.middle(index), this.bottom + 15, dayText(day), "tick mid"));
  }

  get slot() {
    return this.inner / this.days.length;
  }

  middle(index) {
    return this.left + (index + 0.5) * this.slot;
  }

  y(value) {
    return MARGIN.top + (1 - value / this.top) * (this.bottom - MARGIN.top);
  }

  text(x, y, words, look) {
    const element = draw("text", { x, y, class: look, "dominant-baseline": "middle" });
    element.textContent = words;
    this.svg.append(element);
    return element;
  }

  /** One invisible column a day, which tells what is in it. */
  tips(told) {
    const box = make("div", { class: "chart-box" }, this.svg);
    const tip = make("div", { class: "tip", hidden: true });
    const mark = draw("line", { class: "hover", y1: MARGIN.top, y2: this.bottom, visibility: "hidden" });
    this.svg.append(mark);
    this.days.forEach((day, index) => {
      const column = draw("rect", { class: "column", x: this.left + index * this.slot, y: 0, width: this.slot, height: this.height });
      column.addEventListener("pointerenter", () => {
        const lines = told(day, index);
        tip.replaceChildren(make("b", {}, dayText(day)), ...(lines.length ? lines : ["nothing"]).map((line) => make("span", {}, line)));
        tip.hidden = false;
        mark.setAttribute("x1", this.middle(index));
        mark.setAttribute("x2", this.middle(index));
        mark.setAttribute("visibility", "visible");
        const scale = this.svg.clientWidth / this.width;
        const x = this.middle(index) * scale;
        tip.style.left = `${Math.max(0, x + 10 + tip.offsetWidth > box.clientWidth ? x - 10 - tip.offsetWidth : x + 10)}px`;
      });
      this.svg.append(column);
    });
    box.addEventListener("pointerleave", () => {
      tip.hidden = true;
      mark.setAttribute("visibility", "hidden");
    });
    box.append(tip);
    return box;
  }
}

/** `series`: [{name, values: by day or null, look}]; the last value of each stands beside it. */
export function lineChart({ days, series, top, unit, label, height = 168, width = 340 }) {
  const plot = new Plot({ days, top, height, unit, label, right: 58, width });
  const ends = [];
  for (const { name, values, look } of series) {
    const points = values.map((value, index) => (value === null ? null : [plot.middle(index), plot.y(value)]));
    plot.svg.append(draw("path", { class: `line ${look}`, d: pathOf(points) }));
    points.forEach((point, index) => {
      const alone = point && !points[index - 1] && !points[index + 1];
      if (point && (alone || days.length <= 8)) plot.svg.append(draw("circle", { class: `dot ${look}`, cx: point[0], cy: point[1], r: 2.5 }));
    });
    const last = points.findLastIndex(Boolean);
    if (last >= 0) ends.push({ y: points[last][1], words: `${name} ${unit(values[last])}`, look, x: points[last][0] });
  }
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, index) => {
    if (index && end.y - ends[index - 1].y < 13) end.y = ends[index - 1].y + 13;
    plot.text(plot.left + plot.inner + 4, end.y, end.words, `direct ${end.look}`);
  });
  const told = (_day, index) => series.filter(({ values }) => values[index] !== null).map(({ name, values }) => `${name} ${unit(values[index])}`);
  return make("div", {}, plot.tips((day, index) => told(day, index)), table(days, series, unit, label));
}

function pathOf(points) {
  return points.map((point, index) => (point ? `${points[index - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}` : "")).join("");
}

/** `series`: [{name, values: by day}], piled up in their order; at most as many as there are colours. */
export function stackedBars({ days, series, unit, label, height = 220, width = innerWidth < 832 ? 340 : 560, looks = series.map((_, index) => `c${index % PALETTE}`), totals = series.map(({ values }) => unit(values.reduce((sum, value) => sum + value, 0))) }) {
  const tops = days.map((_, index) => series.reduce((sum, { values }) => sum + values[index], 0));
  const plot = new Plot({ days, top: Math.max(...tops, 0), height, unit, label, width });
  const wide = Math.min(34, plot.slot * 0.72);
  days.forEach((_, index) => {
    let sum = 0;
    series.forEach(({ values }, which) => {
      if (!values[index]) return;
      const y = plot.y(sum + values[index]);
      plot.svg.append(draw("rect", { class: `bar ${looks[which]}`, x: plot.middle(index) - wide / 2, y, width: wide, height: Math.max(0.5, plot.y(sum) - y - 1) }));
      sum += values[index];
    });
  });
  const told = (_day, index) => series.filter(({ values }) => values[index]).map(({ name, values }) => `${name} ${unit(values[index])}`);
  const legend = make("ul", { class: "chart-legend" }, ...series.map(({ name }, which) => make("li", {}, make("i", { class: looks[which], "aria-hidden": "true" }), make("span", {}, name), make("b", {}, totals[which]))));
  return make("div", {}, plot.tips((day, index) => told(day, index)), legend, table(days, series, unit, label));
}

/** The same for whoever does not see the picture. */
function table(days, series, unit, label) {
  const head = make("tr", {}, make("th", { scope: "col" }, "Day"), ...series.map(({ name }) => make("th", { scope: "col" }, name)));
  const rows = days.map((day, index) => make("tr", {}, make("th", { scope: "row" }, dayText(day)), ...series.map(({ values }) => make("td", {}, values[index] === null ? "–" : unit(values[index])))));
  return make("details", { class: "chart-table" }, make("summary", {}, "As a table"), make("div", { class: "chart-scroll", tabindex: "0", role: "region", "aria-label": label }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
}
