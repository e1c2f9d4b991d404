// A button beside the ordinary copy button: it copies a block with exactly the earlier lines that it needs,
// which engine/runnable.py finds.
// Copying itself, its fallback for pages opened from a folder, and the message are Material's: it serves
// every element with data-clipboard-text. Without scripts the templates stay inert and nothing shows.
// The engine's classes are found by their ends, since each site chooses the prefix.
addEventListener("DOMContentLoaded", () => {
  for (const template of document.querySelectorAll("template[class$=runnable]")) {
    const button = document.createElement("button");
    button.className = "md-code__button";
    button.ariaLabel = "Copy runnable";
    button.title = "Copy with the lines it needs";
    button.dataset.mdType = "runnable";
    button.dataset.clipboardText = template.content.textContent;
    template.previousElementSibling.querySelector(".md-code__nav").prepend(button);
  }

  // What Material leaves out for those who listen: its buttons are no landmark, and "Copied" is said aloud.
  for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.setAttribute("role", "none");
  document.querySelector(".md-dialog__inner").setAttribute("role", "status");
});

// A value's source closes by Escape, as every tooltip should. Its class may have others beside it: Material
// marks what has the focus.
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") document.activeElement.closest("[aria-describedby^=value-]")?.blur();
});
