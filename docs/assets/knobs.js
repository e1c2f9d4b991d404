// Figures with knobs: a knob chooses among the runs that the build made, whose drawings lie in a file of their own.
// Nothing is computed here. Without scripts the figure stands as it starts, and no knob shows.
// The engine's classes are found by their ends, since each site chooses the prefix.

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

const settingOf = (figure) =>
  new URLSearchParams(figure.knobs.map(({ name, values, input }) => [name, values[input.value]]));

function tell(figure) {
  for (const { values, input, output } of figure.knobs) {
    if (output) output.textContent = input.ariaValueText = values[input.value];
  }
}

async function show(figure) {
  tell(figure);
  const reading = figure.querySelector("[class$=reading]");
  try {
    const states = await statesOf(figure);
    const position = figure.knobs.reduce((sum, { values, input }) => sum * values.length + Number(input.value), 0);
    const [line, drawing] = states[position];
    figure.querySelector("[class$=state]").innerHTML = drawing;
    reading.innerHTML = line;
  } catch {
    reading.textContent = "This run could not be loaded; turn the knob again to try once more.";
  }
}

// The state stands in the address, after the figure's own anchor.
function follow() {
  const [id, setting] = decodeURIComponent(location.hash.slice(1)).split("?");
  const figure = setting && document.getElementById(id);
  if (!figure?.knobs) return;
  for (const [name, value] of new URLSearchParams(setting)) {
    const knob = figure.knobs.find((knob) => knob.name === name);
    if (knob?.values.includes(value)) knob.input.value = knob.values.indexOf(value);
  }
  show(figure);
  figure.scrollIntoView();
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

addEventListener("DOMContentLoaded", () => {
  for (const figure of document.querySelectorAll("figure[data-knobs]")) {
    figure.knobs = JSON.parse(figure.dataset.knobs);
    const box = document.createElement("div");
    box.className = figure.className.replace(/figure$/, "knobs");
    box.role = "group";
    box.ariaLabel = "What to change in this figure";
    for (const knob of figure.knobs) addKnob(knob, box);
    tell(figure);
    box.addEventListener("pointerenter", () => statesOf(figure).catch(() => {}), { once: true });
    box.addEventListener("input", () => {
      history.replaceState(null, "", `#${figure.id}?${settingOf(figure)}`);
      show(figure);
    });
    figure.querySelector("svg").after(box);
  }
  follow();
  addEventListener("hashchange", follow);
});
