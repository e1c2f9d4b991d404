// Settings of a figure with knobs that the build did not run: the reader gives the numbers, and Python in the page
// (live.js) runs the code of the figure with them and draws into the same axes.

class Setting extends Run {
  constructor(figure, template) {
    super(make("button", { type: "button" }), "Run this setting");
    this.figure = figure;
    this.code = template.content.textContent;
    this.fields = figure.knobs.filter((knob) => knob.numeric).map((knob) => ({ knob, input: make("input", { type: "number", step: "any", required: true }) }));
    const labels = this.fields.map(({ knob, input }) => {
      const name = make("span");
      name.innerHTML = knob.label;
      return make("label", {}, name, input);
    });
    this.box = make("details", { className: "vg-beyond" }, make("summary", { textContent: "Values between and beyond" }),
      make("form", { className: "vg-controls", noValidate: true, onsubmit: (event) => event.preventDefault() }, ...labels, this.button, this.meter, this.state));
    this.box.addEventListener("toggle", () => this.adopt());
    figure.addEventListener("input", ({ target }) => this.box.contains(target) || this.adopt());
    figure.querySelector("[class$=knobs]").after(this.box);
  }

  label(type, title) {
    super.label(type, title);
    this.button.textContent = title;
  }

  // Start from where the knobs stand.
  adopt() {
    for (const { knob, input } of this.fields) input.value = knob.values[knob.input.value];
    if (current !== this) this.say("");
  }

  run() {
    const wrong = this.fields.find(({ input }) => !input.checkValidity());
    if (wrong) {
      this.say(`Give a number for ${wrong.input.labels[0].innerText.trim()}`);
      wrong.input.focus();
      return;
    }
    const chosen = this.figure.knobs.map(({ name, values, input }) => [name, values[input.value]]);
    const given = this.fields.map(({ knob, input }) => [knob.name, input.valueAsNumber]);
    const setting = JSON.stringify(Object.fromEntries([...chosen, ...given]));
    this.start(() => ({ code: this.code, setting, figure: `${this.figure.id}-own` }));
  }

  async finish({ seconds, error, reading, drawing }) {
    if (error) return this.fail(error.message);
    const { figure } = this;
    this.say(`${seconds.toFixed(1)} s`);
    if (figure.ghost) haunt(figure, figure.shown, await statesOf(figure));
    figure.front.replaceChildren(...harmless(`<svg xmlns="${SVG}">${drawing}</svg>`).childNodes);
    figure.reading.innerHTML = `<strong>Your run:</strong> ${reading}`;
    figure.dataset.own = "";
  }

  fail(message) {
    this.say(`This setting does not run: ${message}`);
  }
}

addEventListener("DOMContentLoaded", () => {
  if (!canRun) return;
  for (const figure of document.querySelectorAll("figure[data-knobs]")) {
    const template = document.querySelector(`template[data-figure="${figure.id}"]:not([data-elsewhere])`);
    if (template && figure.knobs.some((knob) => knob.numeric)) new Setting(figure, template);
  }
});
