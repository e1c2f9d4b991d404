// The search index holds the text of the whole site: it is fetched when somebody turns to search, not with every page.
const { open, send } = XMLHttpRequest.prototype;

XMLHttpRequest.prototype.open = function (...request) {
  open.apply(this, request);
  if (String(request[1]).endsWith("/search_index.json")) {
    const input = document.querySelector(".md-search__input");
    this.send = () => input.addEventListener("focus", () => send.call(this), { once: true });
  }
};
