// Figures that ask first: the reader draws a curve, then sees the run and the difference in words.
// The run lies in the page and only waits; without scripts, or in print, it is there. Nothing is sent and nothing is
// stored. The engine's classes are found by their ends, since each site chooses the prefix.

"use strict";

// A scope of its own: the names of a page's scripts are one another's.
{
  // Parts of the y axis that an arrow key and a page key move a point.
  const STEPS = { ArrowUp: 0.02, ArrowDown: -0.02, PageUp: 0.1, PageDown: -0.1 };
  // A curve within this factor of the run, or this part of a linear axis, is near it.
  const NEAR = { factor: 2, part: 0.05 };
  // What of the axis, or which factor, a curve may move and still end where it began.
  const LEVEL = { factor: 1.1, part: 0.02 };

  // A pen passes a point if it comes as near to it as this, in the figure's own lengths.
  const REACH = 3;

  // Of more points than these, only the ends of the curve are marked.
  const MARKED = 20;

  // Numbers in words

  const raised = (exponent) => [...String(exponent)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])).join("");

  function said(number) {
    const size = Math.abs(number);
    if (size >= 1e5 || (size > 0 && size < 1e-3)) {
      const [digits, exponent] = number.toExponential(0).split("e").map(Number);
      return `${digits} × 10${raised(exponent)}`.replace("-", "−");
    }
    return Number(number.toPrecision(2)).toLocaleString("en-US", { maximumFractionDigits: 6 }).replace("-", "−");
  }

  function times(factor) {
    if (factor >= 1e15) return `10${raised(Math.round(Math.log10(factor)))}`;
    const short = Number(factor.toPrecision(2));
    const [unit, name] = [[1e12, " trillion"], [1e9, " billion"], [1e6, " million"], [1, ""]].find(([unit]) => short >= unit);
    return (short / unit).toLocaleString("en-US") + name;
  }

  // Two digits, the last one rounded up, so that "within" stays true.
  function upwards(number) {
    const digit = 10 ** (Math.floor(Math.log10(number)) - 1);
    return said(Math.ceil(number / digit - 1e-9) * digit);
  }

  // What a value is on the axis: its logarithm, or itself.
  const level = ({ log }, value) => (log ? Math.log(value) : value);
  const spanOf = (asked) => Math.abs(level(asked, asked.ends[1]) - level(asked, asked.ends[0]));

  // On a linear axis, to a hundredth of it or the power of ten below that.
  const stepOf = (asked) => 10 ** Math.floor(Math.log10(spanOf(asked) / 100));
  const rounded = (asked, value) => Math.round(value / stepOf(asked)) * stepOf(asked) + 0;

  function valueOf(asked, value) {
    if (asked.log) return said(value);
    const digits = Math.max(0, Math.round(-Math.log10(stepOf(asked))));
    return rounded(asked, value).toLocaleString("en-US", { maximumFractionDigits: digits }).replace("-", "−");
  }

  const placeOf = ({ place, x }, index) => place.replace("{}", x[index].toLocaleString("en-US", { maximumFractionDigits: 9 }).replace("-", "−"));

  // The difference in words

  function farthest(asked, curve, indices) {
    const { log, values } = asked;
    const away = (index) => level(asked, values[index]) - level(asked, curve[index]);
    const worst = indices.reduce((most, index) => (Math.abs(away(index)) > Math.abs(away(most)) ? index : most));
    const gap = Math.abs(away(worst));
    const span = spanOf(asked);
    const where = indices.length === values.length ? "at every point" : "at every point that you drew";
    if (log && gap <= Math.log(NEAR.factor)) {
      return `Your curve stays within a factor of ${upwards(Math.max(Math.exp(gap), 1.1))} of the run ${where}.`;
    }
    if (!log && gap <= NEAR.part * span) return `Your curve stays within ${upwards(Math.max(gap, span / 200))} of the run ${where}.`;
    const up = away(worst) > 0;
    const apart = () => valueOf(asked, Math.abs(rounded(asked, values[worst]) - rounded(asked, curve[worst])));
    const how = log ? `about ${times(Math.exp(gap))} times ${up ? "as much" : "less"}` : `${apart()} ${up ? "more" : "less"}`;
    return `At ${placeOf(asked, worst)} you drew ${valueOf(asked, curve[worst])}; the run gives ${valueOf(asked, values[worst])}, ${how}.`;
  }

  // Where a curve turns: the point between its ends that stands out from both by a tenth of the axis.
  function turn(asked, curve, indices) {
    const least = spanOf(asked) / 10;
    const heights = indices.map((index) => level(asked, curve[index]));
    const beyond = [heights[0], heights.at(-1)];
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    if (Math.min(...beyond) - low > least) return { kind: "lowest", at: indices[heights.indexOf(low)] };
    if (high - Math.max(...beyond) > least) return { kind: "highest", at: indices[heights.indexOf(high)] };
    return undefined;
  }

  const isLevel = (asked, change) => change < (asked.log ? Math.log(LEVEL.factor) : LEVEL.part * spanOf(asked));

  function course(asked, curve, indices) {
    const { log, per, x, values, given } = asked;
    const turned = turn(asked, values, indices);
    if (turned) {
      const heights = indices.map((index) => level(asked, curve[index]));
      const [low, high] = [Math.min(...heights), Math.max(...heights)];
      const own = indices[heights.indexOf(turned.kind === "lowest" ? low : high)];
      const [both, run] = indices.length === values.length ? ["Both", "The run"] : ["Where you drew, both", "Where you drew, the run"];
      if (isLevel(asked, high - low)) return `${run} is ${turned.kind} at ${placeOf(asked, turned.at)}; your curve stays level.`;
      return own === turned.at
        ? `${both} are ${turned.kind} at ${placeOf(asked, own)}.`
        : `${run} is ${turned.kind} at ${placeOf(asked, turned.at)}, your curve at ${placeOf(asked, own)}.`;
    }
    const [first, last] = given === indices.at(-1) ? [indices.at(-1), indices[0]] : [indices[0], indices.at(-1)];
    const way = `From ${placeOf(asked, first)} to ${placeOf(asked, last)}`;
    if (log && per) {
      const rate = (series) => said((series[last] / series[first]) ** (1 / Math.abs(x[last] - x[first])));
      const [own, run] = [rate(curve), rate(values)];
      return `${way} you drew a factor of ${own} per ${per}; the run has ${own === run ? "the same" : run}.`;
    }
    const moves = (series) => {
      const change = level(asked, series[last]) - level(asked, series[first]);
      const size = Math.abs(change);
      if (isLevel(asked, size)) return "ends about where it began";
      return `${change > 0 ? "rises" : "falls"} by ${log ? `a factor of ${times(Math.exp(size))}` : valueOf(asked, size)}`;
    };
    return `${way} your curve ${moves(curve)}; the run ${moves(values)}.`;
  }

  // `curve` holds the reader's value at each point, or undefined where nothing was drawn.
  function difference(asked, curve) {
    const indices = curve.flatMap((value, index) => (value === undefined ? [] : [index]));
    if (!indices.some((index) => index !== asked.given)) return "Here is the run; you drew nothing.";
    const sentences = [farthest(asked, curve, indices)];
    if (indices.length > 1) sentences.push(course(asked, curve, indices));
    return [...sentences, "Dotted: your curve."].join(" ");
  }

  // The drawing

  class Prediction {
    constructor(figure) {
      this.figure = figure;
      this.asked = JSON.parse(figure.dataset.prediction);
      this.svg = figure.querySelector("svg");
      this.alt = this.svg.ariaLabel ?? this.svg.getAttribute("aria-label");
      this.button = figure.querySelector("[class$=asking] button");
      this.words = figure.querySelector("[class$=difference]");
      this.place();
      this.button.addEventListener("click", () => (figure.dataset.stage === "asked" ? this.show() : this.ask()));
      this.ask();
    }

    // Lay over the figure a drawing of the same size, and over the axes the area that takes pointer and keys.
    place() {
      const { quantity, area } = this.asked;
      const named = (name) => this.figure.className.replace(/figure$/, name);
      const [, , width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
      const box = document.createElement("div");
      box.className = named("drawing");
      this.own = this.svg.cloneNode(false);
      for (const name of ["role", "aria-label", "id"]) this.own.removeAttribute(name);
      this.own.setAttribute("aria-hidden", "true");
      this.own.innerHTML = '<polyline/><path d=""/><circle r="6"/>';
      this.area = document.createElement("div");
      Object.assign(this.area, { className: named("canvas"), role: "slider", tabIndex: 0 });
      Object.assign(this.area, { ariaLabel: `Your curve for ${quantity}`, ariaOrientation: "vertical", ariaValueMin: 0, ariaValueMax: 100 });
      this.area.setAttribute("aria-describedby", `${this.figure.id}-asking`);
      const [left, top, right, bottom] = area;
      const percent = (part, whole) => `${(100 * part) / whole}%`;
      Object.assign(this.area.style, {
        left: percent(left, width),
        top: percent(top, height),
        width: percent(right - left, width),
        height: percent(bottom - top, height),
      });
      this.svg.replaceWith(box);
      box.append(this.svg, this.own, this.area);
      this.area.addEventListener("pointerdown", (event) => this.press(event));
      this.area.addEventListener("pointermove", (event) => this.move(event));
      for (const name of ["pointerup", "pointercancel"]) this.area.addEventListener(name, () => (this.pen = undefined));
      this.area.addEventListener("keydown", (event) => this.key(event));
    }

    // The run waits, and with it what describes the figure.
    ask() {
      const { given, values, quantity } = this.asked;
      this.heights = values.map((value, index) => (index === given ? this.height(value) : undefined));
      this.at = given === values.length - 1 ? Math.max(0, given - 1) : given === 0 ? 1 : 0;
      this.figure.dataset.stage = "asked";
      this.svg.setAttribute("aria-label", `The figure without its run: ${quantity}`);
      this.area.hidden = false;
      this.button.textContent = "Show the run";
      this.words.textContent = "";
      this.draw();
    }

    show() {
      this.pen = undefined;
      this.figure.dataset.stage = "shown";
      this.svg.setAttribute("aria-label", this.alt);
      this.area.hidden = true;
      this.button.textContent = "Draw again";
      this.words.textContent = this.compared(this.curve().map((height) => (height === undefined ? undefined : this.value(height))));
    }

    compared(curve) {
      return difference(this.asked, curve);
    }

    // Heights are parts of the y axis, 0 at the bottom and 1 at the top.

    height(value) {
      const [low, high] = this.asked.ends.map((end) => level(this.asked, end));
      return (level(this.asked, value) - low) / (high - low);
    }

    value(height) {
      const { log, ends } = this.asked;
      const [low, high] = ends.map((end) => level(this.asked, end));
      const found = low + height * (high - low);
      return log ? Math.exp(found) : found;
    }

    // The reader's curve: straight between the points that were drawn, nothing beyond them.
    curve() {
      const { across } = this.asked;
      const drawn = this.heights.flatMap((height, index) => (height === undefined ? [] : [index]));
      return this.heights.map((height, index) => {
        const before = drawn.findLast((other) => other <= index);
        const after = drawn.find((other) => other >= index);
        if (before === undefined || after === undefined || before === after) return height;
        const part = (across[index] - across[before]) / (across[after] - across[before]);
        return this.heights[before] + part * (this.heights[after] - this.heights[before]);
      });
    }

    set(index, height) {
      if (index === this.asked.given) return;
      this.heights[index] = Math.min(1, Math.max(0, height));
      this.at = index;
    }

    // Where a pointer is: how far right on the SVG, how high on the axis.
    where({ clientX, clientY }) {
      const { area: [left, , right] } = this.asked;
      const box = this.area.getBoundingClientRect();
      return { x: left + ((clientX - box.left) / box.width) * (right - left), height: (box.bottom - clientY) / box.height };
    }

    nearest(x) {
      const away = this.asked.across.map((other) => Math.abs(other - x));
      return away.indexOf(Math.min(...away));
    }

    press(event) {
      if (event.button || !event.isPrimary) return;
      this.area.setPointerCapture(event.pointerId);
      this.start = this.pen = this.where(event);
      this.set(this.nearest(this.pen.x), this.pen.height);
      this.draw();
    }

    // Every point that the pen has passed since the event before gets the height at which it was passed.
    move(event) {
      if (!this.pen || !event.isPrimary) return;
      const [before, now] = [this.pen, this.where(event)];
      const [left, right] = [Math.min(before.x, now.x), Math.max(before.x, now.x)];
      this.asked.across.forEach((x, index) => {
        if (x < left - REACH || x > right + REACH || left === right) return;
        const passed = Math.min(right, Math.max(left, x));
        this.set(index, before.height + ((passed - before.x) / (now.x - before.x)) * (now.height - before.height));
      });
      const [{ width, height }, { area }] = [this.area.getBoundingClientRect(), this.asked];
      const aside = (Math.abs(now.x - this.start.x) / (area[2] - area[0])) * width;
      // A pen that goes up or down where it was pressed moves that point.
      if (aside < 6 && Math.abs(now.height - this.start.height) * height > aside) this.set(this.nearest(this.start.x), now.height);
      this.pen = now;
      this.draw();
    }

    key(event) {
      const last = this.heights.length - 1;
      const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: last }[event.key];
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (to !== undefined) this.at = Math.min(last, Math.max(0, to));
      else if (event.key in STEPS) this.set(this.at, this.from() + STEPS[event.key]);
      else return;
      event.preventDefault();
      this.draw();
    }

    // Where a key finds the point: where it is, else where the curve or its nearer end is, else half way up.
    from() {
      const curve = this.curve();
      const drawn = curve.flatMap((height, index) => (height === undefined ? [] : [index]));
      const near = drawn.reduce((best, index) => (Math.abs(index - this.at) < Math.abs(best - this.at) ? index : best), drawn[0]);
      return curve[near] ?? 0.5;
    }

    draw() {
      const { across, area: [, top, , bottom], given } = this.asked;
      const y = (height) => (bottom - height * (bottom - top)).toFixed(2);
      const curve = this.curve();
      const point = (index) => `${across[index]},${y(curve[index])}`;
      const covered = curve.flatMap((height, index) => (height === undefined ? [] : [index]));
      const [line, marks, cursor] = this.own.children;
      line.setAttribute("points", covered.map(point).join(" "));
      // A line of no length with a round end is a dot.
      const ends = [covered[0], covered.at(-1)];
      const marked = covered.filter((index) => this.heights[index] !== undefined && (across.length <= MARKED || ends.includes(index)));
      marks.setAttribute("d", marked.map((index) => `M${point(index)}h0`).join(""));
      cursor.setAttribute("cx", across[this.at]);
      cursor.setAttribute("cy", y(curve[this.at] ?? this.from()));
      const height = curve[this.at];
      this.area.ariaValueNow = Math.round(100 * (height ?? this.from()));
      const told = height === undefined ? "not drawn" : valueOf(this.asked, this.value(height));
      this.area.ariaValueText = `${placeOf(this.asked, this.at)}: ${told}${this.at === given ? ", given" : ""}`;
    }
  }

  addEventListener("DOMContentLoaded", () => {
    for (const figure of document.querySelectorAll("figure[data-prediction]")) figure.prediction = new Prediction(figure);
  });
}
