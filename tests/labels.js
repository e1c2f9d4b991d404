// What is wrong with the labels of a page's figures: a text that leaves its figure, and a text that
// lies over another. Boxes are those of the letters; two pixels of either may touch.
() => {
  const SLACK = 2;
  const problems = [];
  const name = (text) => JSON.stringify(text.textContent.trim().replace(/\s+/g, " "));

  [...document.querySelectorAll(".vg-figure")].forEach((figure, index) => {
    const page = figure.querySelector("svg").getBoundingClientRect();
    const texts = [...figure.querySelectorAll("svg text")]
      .filter((text) => text.textContent.trim() && text.checkVisibility())
      .map((text) => ({ text, ...outline(text) }));
    const say = (what) => problems.push(`figure ${index + 1}: ${what}`);
    for (const { text, box } of texts) {
      const out = [page.left - box.left, box.right - page.right, page.top - box.top, box.bottom - page.bottom];
      if (Math.max(...out) > SLACK)
        say(`${name(text)} leaves the figure`);
    }
    texts.forEach((one, i) =>
      texts.slice(i + 1).forEach((other) => {
        if (meet(one.corners, other.corners)) say(`${name(one.text)} over ${name(other.text)}`);
      }),
    );
  });
  return problems;

  // The corners of a text where it stands, also if it is turned; a line of 12 has letters of 9.
  function outline(text) {
    const { x, y, width, height } = text.getBBox();
    const matrix = text.getScreenCTM();
    const inset = 0.15 * height;
    const corners = [
      [x, y + inset],
      [x + width, y + inset],
      [x + width, y + height - inset],
      [x, y + height - inset],
    ].map(([a, b]) => new DOMPoint(a, b).matrixTransform(matrix));
    return { corners, box: text.getBoundingClientRect() };
  }

  // Whether two turned rectangles meet by more than the slack: no axis of either parts them.
  function meet(a, b) {
    for (const corners of [a, b]) {
      for (const side of [0, 1]) {
        const dx = corners[side + 1].x - corners[side].x;
        const dy = corners[side + 1].y - corners[side].y;
        const length = Math.hypot(dx, dy) || 1;
        const along = (all) => all.map(({ x, y }) => (x * dx + y * dy) / length);
        const [p, q] = [along(a), along(b)];
        const shared = Math.min(Math.max(...p), Math.max(...q)) - Math.max(Math.min(...p), Math.min(...q));
        if (shared < SLACK) return false;
      }
    }
    return true;
  }
}
