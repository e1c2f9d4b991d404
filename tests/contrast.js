// Leaves to axe's most expensive rule one text of each kind. The contrast of a text depends on its
// own look, on the looks of the elements around it, and on what else is painted where it stands.
// Texts that agree in all of these have one contrast; the text with most letters is measured.
() => {
  const PAINT = [
    "background-color", "background-image", "background-clip", "color", "fill", "opacity", "filter",
    "mix-blend-mode", "text-shadow", "font-size", "font-weight", "position", "z-index",
  ];
  const TRANSPARENT = /^rgba\(.*, 0\)$/;

  const numbers = new Map();
  const numberOf = (text) => numbers.get(text) ?? numbers.set(text, numbers.size).get(text);

  // The look of an element and of all that it is in, as a number; where it is, and what cuts it.
  const known = new Map();
  function lookOf(element) {
    if (!element) return { clips: [] };
    if (known.has(element)) return known.get(element);
    const { name: around, clips } = lookOf(element.parentElement);
    const style = getComputedStyle(element);
    const own = PAINT.map((property) => style.getPropertyValue(property));
    const box = element.getBoundingClientRect();
    const look = {
      name: numberOf([around, element.tagName, element.getAttribute("class"), own].join("|")),
      box,
      clips: style.overflow === "visible" ? clips : [...clips, box],
      paints:
        !TRANSPARENT.test(own[0]) || own[1] !== "none" || style.position !== "static" ||
        element.matches("img, svg *, canvas, video"),
    };
    known.set(element, look);
    return look;
  }

  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const all = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility());
  const painters = all.filter((element) => lookOf(element).paints);

  const kinds = new Map();
  for (const element of all) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = texts.map((node) => node.data).join("").trim();
    if (!text && !element.matches("input, select, textarea")) continue;
    // Axe passes over what has no letter, and does not decide about a single sign.
    const letters = text.replace(/[^\p{L}\p{N}]/gu, "").length;
    const { name, box, clips } = lookOf(element);
    const beside = painters.filter(
      (other) =>
        meet(lookOf(other).box, box) && !other.contains(element) && !element.contains(other),
    );
    const looks = [...new Set(beside.map((other) => lookOf(other).name))].sort();
    const cut = clips.some((clip) => !meet(clip, box));
    const seen = box.width > 1 && box.height > 1;
    const kind = [name, looks, text.length > 1, letters > 0, cut, seen].join("|");
    if (!(kinds.get(kind)?.letters >= letters)) kinds.set(kind, { element, letters });
  }

  for (const one of document.querySelectorAll("[data-measured]")) delete one.dataset.measured;
  for (const { element } of kinds.values()) element.dataset.measured = "";
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-measured]" }] });
  return kinds.size;
}
