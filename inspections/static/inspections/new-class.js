// Sorting look-alikes by keys: A it is, R it is not, arrows to the next. A choice is kept by the form itself.
(() => {
  const list = document.getElementById("alikes");
  if (!list) return;
  const tiles = () => [...list.querySelectorAll(".alike")].filter((tile) => tile.querySelector("input"));
  const typing = (target) => target.closest("textarea, select, input:not([type=radio])");

  function focusOn(tile) {
    const radio = tile?.querySelector("input:checked") ?? tile?.querySelector("input");
    radio?.focus({ preventScroll: true });
    tile?.scrollIntoView({ block: "nearest" });
  }

  function choose(tile, value) {
    const radio = tile.querySelector(`input[value="${value}"]`);
    if (!radio || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // The bar's counts are of what was kept last; what was sorted since is said beside them until they are counted anew.
  const sorted = new Set();

  function tellSorted() {
    const since = document.getElementById("new-class-since");
    if (!since) return;
    since.hidden = sorted.size === 0;
    since.textContent = since.dataset.words.replace("{n}", String(sorted.size));
  }

  list.addEventListener("change", (event) => {
    sorted.add(event.target.name);
    tellSorted();
  });
  document.addEventListener("htmx:afterSettle", () => {
    sorted.clear();
    tellSorted();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    const all = tiles();
    const here = all.indexOf(event.target.closest?.(".alike"));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const value = { a: "yes", r: "no" }[event.key.toLowerCase()];
    if (!step && !value) return;
    event.preventDefault();
    if (value && here >= 0) choose(all[here], value);
    focusOn(all[Math.min(Math.max(here + (step ?? 1), 0), all.length - 1)]);
  });
})();
