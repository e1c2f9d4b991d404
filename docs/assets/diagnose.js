// The form of "Diagnose it here": what a reader pastes, chooses or drops is judged by the package, in the Python that
// live.js loads, and nothing of it is sent anywhere. Where this does not run, the page keeps what stands in its place.
// A text or a file is data: Python reads its bytes under a name of ours, and the page shows them as text.

const LARGEST_FILE = 20e6; // bytes

const FORM = `
  <form>
    <label for="norms-text">Norms, layer by layer, the input side first</label>
    <textarea id="norms-text" rows="13" wrap="off" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea>
    <label for="norms-file">Or a file, chosen or dropped here</label>
    <input id="norms-file" type="file">
    <label for="norms-kind">Gradients with respect to</label>
    <select id="norms-kind">
      <option value="signal">the layers’ outputs or preactivations</option>
      <option value="weight">the weights</option>
    </select>
    <p class="vg-controls"><button type="reset">Example</button></p>
  </form>
  <div class="vg-result"></div>`;

const judging = (kind) => `\
import json
from pathlib import Path

from vanishing.measurement.reports import report
from vanishing.plot import per_layer

said = report(Path("norms").read_bytes(), kind="${kind}")
found = said.last
if set(said.norms) != {None}:
    per_layer(said.norms, ylabel="norm of the gradient")
print(json.dumps({
    "looks": said.lines,
    "names": found.names,
    "verdict": found.findings.splitlines()[0],
    "evidence": found.evidence,
    "remedies": found.remedies,
    "text": str(said),
}))
`;

class DiagnosisForm extends Run {
  constructor(box) {
    super(make("button", { type: "button", className: "vg-press" }), "Diagnose");
    for (let next = box; (next = next.nextElementSibling); ) {
      if ((this.example = next.querySelector(".vg-output code")?.textContent.trimEnd())) break;
    }
    this.box = box;
    box.innerHTML = FORM;
    [this.form, this.result] = box.children;
    [this.text, this.file, this.kind] = ["text", "file", "kind"].map((name) => box.querySelector(`#norms-${name}`));
    const controls = box.querySelector(".vg-controls");
    controls.prepend(this.button);
    controls.append(this.state, this.meter);
    this.text.defaultValue = this.example;
    this.form.addEventListener("reset", () => this.forget());
    this.text.addEventListener("input", () => (this.file.value = ""));
    this.text.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.press());
    this.file.addEventListener("change", () => this.file.value && this.run());
    for (const kind of ["dragover", "dragleave", "drop"]) box.addEventListener(kind, (event) => this.drag(event));
  }

  label(type, title) {
    super.label(type, title);
    this.button.textContent = title;
  }

  drag(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.box.classList.toggle("vg-drop", event.type === "dragover");
    if (event.type !== "drop") return;
    this.file.files = event.dataTransfer.files;
    this.run();
  }

  // The name of what is judged, and its bytes.
  async given() {
    const file = this.file.files[0] ?? new File([this.text.value], "the text");
    if (file.size > LARGEST_FILE) {
      throw new Error(`${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(LARGEST_FILE)} MB are judged here, and any size by the command`);
    }
    return [file.name, new Uint8Array(await file.arrayBuffer())];
  }

  run() {
    if (current !== this) current?.stop();
    this.printed = "";
    this.result.replaceChildren();
    this.start(async () => {
      const [name, norms] = await this.given();
      this.name = name;
      return { code: judging(this.kind.value), figure: "diagnosis", files: { norms } };
    });
  }

  print(text) {
    this.printed += text;
  }

  finish({ error, seconds, figures }) {
    if (error) {
      this.fail(error.message.replace(/^(Type|Value)Error: /, ""));
      return;
    }
    const said = JSON.parse(this.printed.trimEnd().split("\n").at(-1));
    this.show(said, figures);
    const { length, 0: first, [length - 1]: last } = said.names;
    const layers = length > 1 ? `${length} layers, ${first} to ${last}` : first;
    this.say(`Diagnosed ${this.name} (${layers}) in ${seconds.toFixed(1)} s: ${said.verdict.split(" ")[0]}`);
  }

  show({ looks, verdict, evidence, remedies, text }, figures) {
    const list = (name, items) => (items.length ? [make(name, {}, ...items.map((item) => make("li", {}, ...[item].flat())))] : []);
    const course = looks.length > 1 ? [make("pre", { tabIndex: 0, textContent: looks.join("\n") }), make("p", { textContent: "The last look:" })] : [];
    const drawn = figures.map(harmless);
    for (const figure of drawn) figure.ariaLabel = "The norm of the gradient against the layer, with the numbers of the table below";
    this.result.append(
      ...course,
      make("p", { className: "vg-found" }, make("strong", { textContent: verdict })),
      ...list("ul", evidence),
      ...(remedies.length ? [make("p", { textContent: "Worth trying, in this order:" })] : []),
      ...list("ol", remedies.map(linked)),
      make("div", { className: "vg-figure" }, ...drawn),
      make("details", {}, make("summary", { textContent: "The table, as python -m vanishing --norms prints it" }), make("pre", { tabIndex: 0, textContent: text })),
    );
  }

  fail(message) {
    this.result.replaceChildren(make("p", { className: "vg-error", role: "alert", textContent: message }));
    this.say("Not diagnosed");
  }

  forget() {
    if (current === this) this.stop();
    this.result.replaceChildren();
    this.say("");
  }
}

// A piece of advice, whose first words, up to the colon, become the page's own link of these words.
function linked(remedy) {
  const title = remedy.split(":")[0];
  const link = [...document.querySelectorAll(".md-content a")].find((link) => link.textContent === title);
  return link ? [make("a", { href: link.href, textContent: title }), remedy.slice(title.length)] : [remedy];
}

addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".vg-diagnose");
  if (box && canRun) new DiagnosisForm(box);
});
