// Blocks that run in the page. The first press of a block's Run loads Python into a worker (worker.js) and makes the
// block editable; before it nothing of Python is loaded. What the worker is given is what "copy runnable" copies.
// Nothing is sent anywhere and nothing is stored; an address holds a change only if the reader asks for it, and code
// that comes with an address is shown and waits for a press.
// The engine's classes are found by their ends, since each site chooses the prefix.

const WORKER = new URL("worker.js", document.currentScript.src);
const SVG = "http://www.w3.org/2000/svg";
// What a drawing of Matplotlib consists of; all else in it is left out.
const ELEMENTS = new Set("svg g defs path use rect circle line polyline polygon ellipse text tspan clipPath title linearGradient stop image".split(" "));

let worker;
let ready = false;
// What runs or waits to run.
let current;

// A page that was opened from a folder may start no worker.
const canRun = location.protocol !== "file:";

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function stopWorker() {
  worker?.terminate();
  worker = undefined;
  ready = false;
}

function ask(message) {
  if (!worker) {
    worker = new Worker(WORKER, { type: "module" });
    worker.onmessage = ({ data }) => current?.hear(data);
    worker.onerror = (event) => current?.hear({ kind: "broken", message: event.message || "Python did not start" });
  }
  worker.postMessage(message);
}

// The drawing that a reader's code made, without anything that could act in the page.
function harmless(text) {
  const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
  for (const element of [documentElement, ...documentElement.querySelectorAll("*")]) {
    if (element.namespaceURI !== SVG || !ELEMENTS.has(element.localName)) element.remove();
    for (const { name, value } of [...element.attributes]) {
      const elsewhere = /href$/.test(name) && !/^(#|data:image\/png;)/.test(value);
      if (/^on/i.test(name) || elsewhere || /url\((?!\s*['"]?#)/.test(value)) element.removeAttribute(name);
    }
  }
  return document.importNode(documentElement, true);
}

// The lines in which two texts differ, published and own; "..." stands for anything, as on the page.
function difference(published, own) {
  const [wanted, found] = [published, own].map((text) => text.trimEnd().split("\n"));
  const same = (want, have) => want === have || (want?.includes("...") && have !== undefined
    && new RegExp(`^${want.split("...").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`).test(have));
  return Array.from({ length: Math.max(wanted.length, found.length) }, (_, line) => [wanted[line], found[line]])
    .filter(([want, have]) => !same(want, have));
}

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

// Something that Python does for a button, which starts it and stops it; a line beside the button says how it goes.
class Run {
  constructor(button, title) {
    Object.assign(this, { button, title });
    this.state = make("span", { className: "vg-state" });
    this.state.setAttribute("role", "status");
    this.meter = make("progress", { hidden: true, ariaLabel: "Loading Python" });
    this.label("run", title);
    button.onclick = () => this.press();
  }

  // One thing runs at a time: what runs makes way for what is pressed.
  press() {
    const running = current;
    running?.stop();
    if (running !== this) this.run();
  }

  label(type, title) {
    this.button.dataset.mdType = type;
    this.button.title = title;
  }

  say(text) {
    this.state.textContent = text;
  }

  // Hand to Python what `message` gives, and what comes of it to `finish` or `fail`.
  async start(message) {
    current = this;
    this.label("stop", ready ? "Stop" : "Cancel");
    this.say(ready ? "Running" : "Loading Python");
    try {
      const written = await message();
      if (current === this) ask(written);
    } catch (error) {
      this.broken(error.message);
    }
  }

  broken(message) {
    this.rest();
    this.say("Your run failed");
    this.fail(message);
  }

  hear({ kind, ...data }) {
    if (kind === "progress") {
      this.meter.hidden = false;
      this.meter.max = data.total || 1;
      this.meter.value = data.loaded;
      if (data.loaded >= data.total) this.say("Starting Python");
      this.state.dataset.loaded = `${megabytes(data.loaded)} of ${megabytes(Math.max(data.total, data.loaded))} MB`;
    } else if (kind === "ready") {
      ready = true;
    } else if (kind === "running") {
      this.quiet();
      this.label("stop", "Stop");
      this.say("Running");
    } else if (kind === "print") {
      this.print(data.text);
    } else if (kind === "done") {
      this.rest();
      this.finish(data);
    } else if (kind === "broken") {
      stopWorker();
      this.broken(`Python stopped: ${data.message}`);
    }
  }

  print() {}

  stop() {
    stopWorker();
    this.say(this.button.title === "Cancel" ? "Cancelled" : "Stopped; Python starts anew for the next run");
    this.rest();
  }

  rest() {
    current = undefined;
    this.quiet();
    this.label("run", this.title);
  }

  quiet() {
    this.meter.hidden = true;
    delete this.state.dataset.loaded;
  }
}

class Block extends Run {
  constructor(template, number) {
    super(make("button", { className: "md-code__button" }), "Run in this page (Ctrl+Enter)");
    this.box = template.previousElementSibling;
    this.template = template;
    this.number = number;
    this.shown = this.box.querySelector("code");
    this.source = this.shown.textContent.trimEnd();
    const whole = template.content.textContent.trimEnd();
    this.above = whole.endsWith(this.source) ? whole.slice(0, whole.length - this.source.length) : "";
    const next = template.nextElementSibling;
    this.last = /output\b/.test(next?.className) ? next : template;
    this.published = this.last.querySelector("code")?.textContent;
    this.box.id ||= `block-${number}`;
    if (!("elsewhere" in template.dataset)) this.box.querySelector(".md-code__nav").prepend(this.button);
  }

  get code() {
    return (this.editor?.value ?? this.source).trimEnd();
  }

  get changed() {
    return this.code !== this.source;
  }

  label(type, title) {
    super.label(type, title);
    this.button.ariaLabel = { run: "Run", stop: "Stop" }[type];
  }

  // Make the block editable, once, and put below it where its run appears.
  open() {
    if (this.editor) return;
    this.editor = make("textarea", { className: "vg-editor", value: this.source, spellcheck: false, ariaLabel: "Code of this block; Escape leaves", autocapitalize: "off" });
    this.editor.setAttribute("wrap", "off");
    this.editor.addEventListener("input", () => {
      this.fit();
      if (current !== this) this.say(this.changed ? "Changed, and not run since" : "");
    });
    this.editor.addEventListener("keydown", (event) => this.key(event));
    this.shown.classList.add("vg-replaced");
    this.shown.after(this.editor);
    this.reset = make("button", { textContent: "Reset", onclick: () => this.restore() });
    this.link = make("button", { textContent: "Link to this change", onclick: () => this.address() });
    this.result = make("div", { className: "vg-result" });
    this.live = make("div", { className: "vg-live", id: `live-${this.number}` }, make("p", { className: "vg-controls" }, this.state, this.meter, this.reset, this.link), this.result);
    this.last.after(this.live);
    this.fit();
  }

  fit() {
    this.editor.rows = this.editor.value.split("\n").length;
    this.reset.hidden = this.link.hidden = !this.changed;
  }

  key(event) {
    const { editor } = this;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!current) this.run();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.button.focus();
    } else if (event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      editor.setRangeText("    ", editor.selectionStart, editor.selectionEnd, "end");
      this.fit();
    }
  }

  run() {
    this.open();
    this.printed = "";
    this.text = make("pre", { hidden: true }, make("code"));
    this.result.replaceChildren(this.text);
    this.start(async () => ({ earlier: await this.earlier(), code: `${this.code}\n`, above: this.above, figure: `own-${this.number}` }));
  }

  // The blocks above with the reader's changes, if there are any.
  async earlier() {
    const edited = blocks.slice(0, this.number).filter((block) => block.changed);
    if (!edited.length && this.above + this.source === this.template.content.textContent.trimEnd()) return undefined;
    const address = location.pathname.replace(/(?:\.html)?$/, "").replace(/\/$/, "/index");
    const response = await fetch(`${address}.blocks.json`);
    if (!response.ok) throw new Error("the blocks above did not load");
    const all = await response.json();
    let seen = -1;
    const sources = [];
    for (const { source, shown } of all) {
      if (shown) seen += 1;
      if (seen === this.number) break;
      sources.push(shown && blocks[seen].changed ? `${blocks[seen].code}\n` : source);
    }
    return sources;
  }

  print(text) {
    this.printed += text;
    this.text.hidden = false;
    this.text.firstChild.textContent = this.printed.length > 1e5 ? `${this.printed.slice(0, 1e5)}\n…` : this.printed;
  }

  finish({ seconds, error, figures }) {
    for (const figure of figures) this.result.append(make("div", { className: "vg-figure" }, harmless(figure)));
    const own = this.changed || blocks.slice(0, this.number).some((block) => block.changed) ? "Your run" : "Run in this page";
    if (error) {
      this.fail(error.message, error.lines);
      this.say(`${own} failed after ${seconds.toFixed(1)} s`);
    } else {
      const lines = this.published === undefined ? [] : difference(this.published, this.printed);
      this.say(`${own}, ${seconds.toFixed(1)} s${this.published === undefined ? "" : lines.length ? "; what it prints differs from the published output" : "; it prints what the page says"}`);
      if (lines.length) {
        const row = (sign, line) => (line === undefined ? [] : [make("span", { className: sign === "−" ? "vg-published" : "vg-own", textContent: `${sign} ${line}\n` })]);
        this.result.append(make("details", { open: true }, make("summary", { textContent: "The difference: published (−), yours (+)" }),
          make("pre", {}, ...lines.flatMap(([want, have]) => [...row("−", want), ...row("+", have)]))));
      }
    }
  }

  fail(message, lines = []) {
    const where = lines.map(({ line, source }) => (line > 0 ? `line ${line}: ${source}` : `in the lines above this block: ${source}`));
    this.result.append(make("pre", { className: "vg-error", textContent: [...where, message].join("\n") }));
    const last = lines.at(-1)?.line;
    if (last > 0) {
      const start = this.editor.value.split("\n").slice(0, last - 1).join("\n").length + (last > 1);
      this.editor.setSelectionRange(start, start + this.editor.value.split("\n")[last - 1].length);
      this.editor.scrollLeft = 0;
    }
  }

  restore() {
    this.editor.value = this.source;
    this.result.replaceChildren();
    this.say("As published");
    this.fit();
    this.editor.focus();
  }

  address() {
    history.replaceState(null, "", `#run=${this.number}&code=${encodeURIComponent(this.code)}`);
    this.say("The address of this page now holds this change; copy it from the address bar");
  }
}

const blocks = [];

addEventListener("DOMContentLoaded", () => {
  if (!canRun) return;
  for (const template of document.querySelectorAll("template[class$=runnable]")) blocks.push(new Block(template, blocks.length));
  const asked = new URLSearchParams(location.hash.slice(1));
  const block = asked.has("code") && blocks[asked.get("run")];
  if (block) {
    block.open();
    block.editor.value = asked.get("code");
    block.fit();
    block.say("This code came with the address; it runs when you press Run");
    block.box.closest("details")?.setAttribute("open", "");
    block.box.scrollIntoView();
  }
});
