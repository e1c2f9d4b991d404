// Leaves to axe's most expensive rule one text of each kind: what decides about a text's contrast is
// its own look, that of the elements around it, and what else is painted where it stands. Texts
// that agree in all of it have one contrast, and the longest of them is measured.
() => {
  const PAINT = ["color", "fill", "opacity", "filter", "mix-blend-mode", "text-shadow", "font-size",
    "font-weight", "background-color", "background-image", "background-clip", "position", "z-index"];
  const TRANSPARENT = /^rgba\(.*, 0\)$/;
  const known = new Map();

  // An element's look below the looks of all that it is in, as a number.
  const numbers = new Map();
  const number = (text) => numbers.get(text) ?? numbers.set(text, numbers.size).get(text);
  const lookOf = (element) => {
    if (!element) return null;
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      const own = PAINT.map((name) => style.getPropertyValue(name));
      const parent = lookOf(element.parentElement);
      const paints = !TRANSPARENT.test(own[8]) || own[9] !== "none" || own[11] !== "static"
        || element.matches("img, svg *, canvas, video");
      const box = element.getBoundingClientRect();
      const clips = style.overflow !== "visible" ? [...(parent?.clips ?? []), box] : parent?.clips ?? [];
      const name = number([parent?.name, element.tagName, element.getAttribute("class"), own].join("|"));
      known.set(element, { name, box, clips, paints });
    }
    return known.get(element);
  };

  const all = [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility());
  const painters = all.filter((element) => lookOf(element).paints);
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const kinds = new Map();
  for (const element of all) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = texts.map((node) => node.data).join("").trim();
    if (!text && !element.matches("input, select, textarea")) continue;
    const letters = text.replace(/[^\p{L}\p{N}]/gu, "").length; // without one, axe passes a text over
    const { name, box, clips } = lookOf(element);
    const others = painters.filter((other) => meets(lookOf(other).box, box)
      && !other.contains(element) && !element.contains(other));
    const looks = new Set(others.map((other) => lookOf(other).name));
    const cut = clips.some((clip) => !meets(clip, box));
    const kind = [name, [...looks], text.length > 1, letters > 0, cut, box.width > 1 && box.height > 1].join();
    if (!kinds.has(kind) || kinds.get(kind).letters < letters) kinds.set(kind, { element, letters });
  }
  document.querySelectorAll("[data-measured]").forEach((one) => delete one.dataset.measured);
  for (const { element } of kinds.values()) element.dataset.measured = "";
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-measured]" }] });
  return kinds.size;
}
