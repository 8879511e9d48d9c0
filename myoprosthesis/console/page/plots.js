// Scrolling curves of the newest seconds.

import uPlot from "/vendor/uplot.min.js";

const SPAN_S = 10, MOST_LINES = 8, MOST_POINTS = 700;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#7f7f7f", "#8c564b"]; // Okabe and Ito, nearly

function element(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

export class Plot {
  // `curves`: key, title, unit, names, extremes; see the console node.
  constructor(parent, curves) {
    this.curves = curves;
    this.times = [];
    this.rows = [];
    const box = element("div", "", "plot"), head = element("header");
    this.label = element("span", "", "names");
    this.filter = element("input");
    this.filter.type = "search";
    this.filter.placeholder = "names with …";
    this.filter.setAttribute("aria-label", `show curves of ${curves.title} whose names contain`);
    this.filter.oninput = () => this.choose();
    head.append(element("b", `${curves.title}${["1", ""].includes(curves.unit) ? "" : `, ${curves.unit}`}`), this.label);
    if (curves.names.length > MOST_LINES) head.append(this.filter);
    this.place = element("div");
    box.append(head, this.place);
    box.hidden = true; // until there is a value
    this.box = box;
    parent.append(box);
    this.choose();
    new ResizeObserver(() => this.resize()).observe(box);
  }

  choose() {
    const wanted = this.filter.value.toLowerCase();
    const matching = this.curves.names.map((_, k) => k).filter((k) => this.curves.names[k].toLowerCase().includes(wanted));
    this.shown = matching.slice(0, MOST_LINES);
    this.label.replaceChildren(...this.shown.flatMap((k, i) => {
      const name = element("span", this.curves.names[k]);
      name.style.color = COLOURS[i];
      return [name, " "];
    }));
    const n = this.curves.names.length;
    if (this.shown.length < n) this.label.prepend(`${this.shown.length} of ${n}: `);
    this.chart?.destroy();
    const text = getComputedStyle(document.body).color, grid = { stroke: "#8884", width: 1 }, font = "11px system-ui";
    this.chart = new uPlot({
      width: this.place.clientWidth || 300, height: 110, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false, range: [-SPAN_S, 0] }, y: { range: (_, low, high) => this.curves.key === "confidence" ? [0, 1] : (low === null || low === high ? [(low ?? 0) - 1, (low ?? 0) + 1] : [low, high]) } },
      axes: [
        { stroke: text, grid, font, size: 26, values: (_, ticks) => ticks.map((t) => (t === 0 ? "now" : `${t} s`)) },
        { stroke: text, grid, font, size: 56, space: 22 },
      ],
      series: [{}, ...this.shown.map((_, i) => ({ stroke: COLOURS[i], width: 1.4, points: { show: false } }))],
    }, this.data(), this.place);
  }

  // Values of one frame at time `now` (s); with extremes the lowest ones before the highest ones.
  add(now, values) {
    if (this.times.length && (now < this.times.at(-1) || now > this.times.at(-1) + SPAN_S)) this.times = [], this.rows = [];
    const n = this.curves.names.length;
    this.times.push(now);
    this.rows.push(values.slice(0, n));
    if (this.curves.extremes) this.times.push(now), this.rows.push(values.slice(n));
    let old = Math.max(0, this.times.length - MOST_POINTS);
    while (this.times[old] < now - SPAN_S) old++;
    if (old) this.times.splice(0, old), this.rows.splice(0, old);
    if (this.box.hidden && values.some(Number.isFinite)) this.box.hidden = false;
    this.changed = true;
  }

  data() {
    const now = this.times.at(-1);
    return [this.times.map((t) => t - now), ...this.shown.map((k) => this.rows.map((row) => (Number.isFinite(row[k]) ? row[k] : null)))];
  }

  draw() {
    if (!this.changed) return;
    this.changed = false;
    this.chart.setData(this.data());
  }

  resize() {
    const width = this.place.clientWidth;
    if (width && width !== this.chart.width) this.chart.setSize({ width, height: 110 });
  }
}
