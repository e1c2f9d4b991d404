// Statements with a verdict: buttons above them show those of one verdict. The choice stands in the address.

const NAMES = { "true": "True", "conditional": "True with conditions", "false": "False" };

addEventListener("DOMContentLoaded", () => {
  const statements = [...document.querySelectorAll("h3[data-verdict]")];
  if (!statements.length) return;

  // A heading and what stands below it, up to the next one.
  const partOf = (heading) => {
    const part = [heading];
    for (let next = heading.nextElementSibling; next && !/^H[123]$/.test(next.tagName); next = next.nextElementSibling) {
      part.push(next);
    }
    return part;
  };
  const count = (name) => statements.filter((heading) => heading.dataset.verdict === name).length;
  const choices = ["all", ...Object.keys(NAMES).filter(count)];
  const box = document.createElement("fieldset");
  box.className = "vg-verdicts";
  box.innerHTML = "<legend>Show</legend>";
  for (const name of choices) {
    const said = name === "all" ? `All (${statements.length})` : `${NAMES[name]} (${count(name)})`;
    box.innerHTML += `<label><input type="radio" name="verdict" value="${name}"> ${said}</label> `;
  }
  document.querySelector("h1 ~ h2").before(box);

  const groups = [];
  for (const heading of document.querySelectorAll("h2, h3[data-verdict]")) {
    if (heading.tagName === "H2") groups.push([heading, []]);
    else groups.at(-1)[1].push(heading);
  }

  function choose(wanted) {
    const shows = (heading) => wanted === "all" || heading.dataset.verdict === wanted;
    const hide = (heading, hidden) => partOf(heading).forEach((part) => part.toggleAttribute("hidden", hidden));
    for (const heading of statements) hide(heading, !shows(heading));
    for (const [group, held] of groups) hide(group, held.length > 0 && !held.some(shows));
    box.querySelector(`[value="${wanted}"]`).checked = true;
  }

  // An address leads to a verdict, or to a statement, which must then be in sight.
  function follow() {
    const wanted = location.hash.match(/^#verdict=(\w+)$/)?.[1];
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (box.querySelector(`[value="${wanted}"]`)) choose(wanted);
    else if (!target || target.hidden) choose("all");
    if (target) target.scrollIntoView();
  }

  box.addEventListener("change", (event) => {
    choose(event.target.value);
    history.replaceState(null, "", event.target.value === "all" ? location.pathname : `#verdict=${event.target.value}`);
  });
  addEventListener("hashchange", follow);
  follow();
});
