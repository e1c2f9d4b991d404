// Figures with knobs: a knob chooses among the runs that the build made, whose drawings lie in a file of their own.
// Nothing is computed here. Without scripts the figure stands as it starts, and no knob shows.
// The engine's classes are found by their ends, since each site chooses the prefix.

// Milliseconds from one setting to the next while a figure plays.
const STEP = 330;

// The drawings and their lines of text, fetched when they are first needed; a script, because a page that was
// opened from a folder may load no other file.
const statesOf = (figure) =>
  (figure.states ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = figure.dataset.states;
    script.onload = () => resolve(script.states);
    script.onerror = () => {
      script.remove();
      figure.states = undefined;
      reject(new Error(`${script.src} did not load`));
    };
    document.head.append(script);
  }));

const drawingOf = ({ pieces, settings }, position) => settings[position][1].map((piece) => pieces[piece]).join("");

const positionOf = (figure) =>
  figure.knobs.reduce((sum, { values, input }) => sum * values.length + Number(input.value), 0);

const settingOf = (figure) =>
  new URLSearchParams(figure.knobs.map(({ name, values, input }) => [name, values[input.value]]));

// A browser refuses an address that changes too often, so it waits until the reader lets go of a knob.
const address = (figure) => history.replaceState(null, "", `#${figure.id}?${settingOf(figure)}`);

function tell(figure) {
  for (const { values, input, output } of figure.knobs) {
    if (output) output.textContent = input.ariaValueText = values[input.value];
  }
}

// Draw the setting of the knobs, and behind it, faint, the one from which the reader came.
async function show(figure, from) {
  tell(figure);
  let states;
  try {
    states = await statesOf(figure);
  } catch {
    pause(figure);
    figure.reading.textContent = "This run could not be loaded; turn the knob again to try once more.";
    return;
  }
  const position = positionOf(figure);
  figure.front.innerHTML = drawingOf(states, position);
  figure.reading.innerHTML = states.settings[position][0];
  delete figure.dataset.own;
  figure.shown = position;
  if (figure.ghost) haunt(figure, from === position ? undefined : from, states);
}

function haunt({ id, ghost }, from, states) {
  if (ghost.from === from) return;
  ghost.from = from;
  // What a drawing refers to needs names that differ from those of the drawing in front.
  ghost.innerHTML = from === undefined ? "" : drawingOf(states, from).replaceAll(`${id}-state-`, `${id}-ghost-`);
}

// The state stands in the address, after the figure's own anchor.
function follow() {
  const [id, setting] = decodeURIComponent(location.hash.slice(1)).split("?");
  const figure = setting && document.getElementById(id);
  if (!figure?.knobs) return;
  pause(figure);
  for (const [name, value] of new URLSearchParams(setting)) {
    const knob = figure.knobs.find((knob) => knob.name === name);
    if (knob?.values.includes(value)) knob.input.value = knob.values.indexOf(value);
  }
  show(figure);
  figure.scrollIntoView();
}

// One value further, from the last to the first; at the last one it stops.
function step(figure, { values, input }) {
  figure.from = undefined;
  input.value = (Number(input.value) + 1) % values.length;
  if (Number(input.value) === values.length - 1) pause(figure);
  show(figure, figure.shown);
}

function play(figure, knob) {
  figure.button.ariaPressed = "true";
  figure.reading.ariaLive = "off"; // not three announcements a second; the last one is made
  figure.timer = setInterval(step, STEP, figure, knob);
  step(figure, knob);
}

function pause(figure) {
  if (!figure.timer) return;
  figure.timer = clearInterval(figure.timer);
  figure.button.ariaPressed = "false";
  figure.reading.ariaLive = "polite";
  address(figure);
}

function addKnob(knob, box) {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.innerHTML = knob.label;
  knob.input = document.createElement(knob.numeric ? "input" : "select");
  if (knob.numeric) {
    Object.assign(knob.input, { type: "range", min: 0, max: knob.values.length - 1, step: 1 });
    knob.output = document.createElement("output");
  } else {
    knob.values.forEach((value, index) => knob.input.add(new Option(value, index)));
  }
  knob.input.value = knob.start;
  label.append(name, knob.input, ...(knob.output ? [knob.output] : []));
  box.append(label);
}

function addButton(figure, knob) {
  figure.button = document.createElement("button");
  Object.assign(figure.button, { type: "button", ariaLabel: `Play ${knob.name}`, ariaPressed: "false" });
  figure.button.addEventListener("click", () => (figure.timer ? pause(figure) : play(figure, knob)));
  const row = document.createElement("div");
  knob.input.parentElement.replaceWith(row);
  row.append(knob.input.parentElement, figure.button);
}

function addKnobs(figure) {
  figure.knobs = JSON.parse(figure.dataset.knobs);
  figure.reading = figure.querySelector("[class$=reading]");
  figure.front = figure.querySelector("[class$=state]");
  const box = document.createElement("div");
  box.className = figure.className.replace(/figure$/, "knobs");
  box.role = "group";
  box.ariaLabel = "What to change in this figure";
  for (const knob of figure.knobs) addKnob(knob, box);
  const playing = figure.knobs.find((knob) => knob.plays);
  if (playing) addButton(figure, playing);
  if ("ghost" in figure.dataset) {
    figure.ghost = figure.front.cloneNode();
    figure.ghost.setAttribute("class", figure.className.replace(/figure$/, "ghost"));
    figure.front.before(figure.ghost);
  }
  figure.shown = positionOf(figure);
  tell(figure);
  box.addEventListener("pointerenter", () => statesOf(figure).catch(() => {}), { once: true });
  // From the first move of a knob until the reader lets go, the ghost is what stood there before.
  box.addEventListener("input", () => {
    pause(figure);
    figure.from ??= figure.shown;
    show(figure, figure.from);
  });
  box.addEventListener("change", () => {
    figure.from = undefined;
    address(figure);
  });
  figure.querySelector("svg").after(box);
}

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("figure[data-knobs]").forEach(addKnobs);
  follow();
  addEventListener("hashchange", follow);
});
