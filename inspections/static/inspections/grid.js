// The grid's buttons and keys; grid-pick.js picks, grid-send.js sends.
(() => {
  const [pick, send] = [window.selvedgePick, window.selvedgeSend];
  if (!pick) return;
  const $ = (id) => document.getElementById(id);
  const classes = [...document.querySelectorAll(".grid-class")];
  const WAYS = { retry: "grid-retry", "sign-in": "grid-sign-in", reload: "grid-reload", drop: "grid-drop", undo: "grid-retry" };
  let retry = send.send;

  // --- what is said -------------------------------------------------------------------------------------------

  const tell = (text) => ($("grid-say").textContent = text);

  function trouble(text, ways = []) {
    $("grid-trouble").hidden = !text;
    $("grid-trouble-words").textContent = text;
    for (const id of new Set(Object.values(WAYS))) $(id).hidden = !ways.some((way) => WAYS[way] === id);
    retry = ways.includes("undo") ? send.undo : send.send;
  }

  let due = false;
  function paint() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      const some = pick.picked().length > 0;
      const free = pick.onScreen().length;
      for (const button of classes) button.disabled = !some || send.isBusy();
      $("grid-none").disabled = !some && !pick.range();
      $("grid-undo").disabled = send.done() === 0 || send.isBusy();
      $("grid-all").disabled = free === 0;
      $("grid-all-n").textContent = free;
    });
  }

  pick.hear(tell, paint);
  send.hear(tell, trouble, paint);

  // --- buttons ------------------------------------------------------------------------------------------------

  for (const button of classes) {
    button.addEventListener("click", () => send.label(button.dataset.label, button.dataset.name));
  }
  $("grid-new-class")?.addEventListener("submit", ({ target }) => {
    target.elements.captures.value = pick.picked().map((tile) => tile.dataset.capture).join();
  });
  $("grid-all").addEventListener("click", pick.pickAll);
  $("grid-none").addEventListener("click", pick.none);
  $("grid-range").addEventListener("click", () => (pick.range() ? pick.none() : pick.setRange("from")));
  $("grid-undo").addEventListener("click", send.undo);
  $("grid-retry").addEventListener("click", () => retry());
  $("grid-reload").addEventListener("click", () => location.reload());
  $("grid-drop").addEventListener("click", send.drop);
  const goOn = () => !$("grid-trouble").hidden && !$("grid-retry").hidden && retry();
  window.addEventListener("online", goOn);
  document.addEventListener("selvedge:unlocked", goOn);
  $("grid-sign-in").href += `?next=${encodeURIComponent(location.pathname + location.search)}`;

  // --- one image, large ---------------------------------------------------------------------------------------

  function look(tile) {
    $("grid-look-image").src = tile.querySelector("img").currentSrc || tile.querySelector("img").src;
    $("grid-look-words").textContent = tile.querySelector(".tile-words").innerText;
    $("grid-look-page").href = tile.dataset.page;
    $("grid-look").showModal();
  }

  pick.grid.addEventListener("click", (event) => {
    if (event.target.closest(".tile-look")) look(event.target.closest(".tile"));
  });
  $("grid-look-close").addEventListener("click", () => $("grid-look").close());
  $("grid-look").addEventListener("click", (event) => event.target === $("grid-look") && $("grid-look").close());

  // --- keys ---------------------------------------------------------------------------------------------------

  const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

  // The queue's table and its rule: by what is written, and on other scripts' keyboards by the place.
  class Keys extends window.selvedgeQueue.Keys {
    pressed(event) {
      const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
      if (typing || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
      if (this.moves(event) || this.picks(event) || this.acts(event)) event.preventDefault();
    }

    moves(event) {
      if (!MOVES.has(event.key) || event.ctrlKey || event.metaKey) return false;
      pick.move(event.key, event.shiftKey);
      return true;
    }

    picks(event) {
      if (event.ctrlKey || event.metaKey) return (event.key.toLowerCase() === "a" || event.code === "KeyA") && once(event, pick.pickAll);
      if (event.key === "Escape") return once(event, pick.none);
      const looks = event.key === "Enter" && pick.grid.contains(document.activeElement) && pick.current();
      return looks && once(event, () => look(pick.current()));
    }

    acts(event) {
      if (this.off || event.key === " ") return false; // Space is the box itself
      const action = this.actionOf(event);
      const button = action && classes.find((one) => one.dataset.action === action);
      if (action === "undo") return once(event, send.undo);
      return button && once(event, () => send.label(button.dataset.label, button.dataset.name));
    }
  }

  // A key held down does it once.
  function once(event, does) {
    if (!event.repeat) does();
    return true;
  }

  new Keys(JSON.parse(pick.grid.dataset.keys), undefined, {});

  // --- sizes: at once, and remembered -------------------------------------------------------------------------

  $("grid-sizes").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    pick.grid.className = `grid grid-${link.dataset.size}`;
    for (const other of $("grid-sizes").children) other.toggleAttribute("aria-current", other === link);
    link.setAttribute("aria-current", "true");
    document.cookie = `grid_size=${link.dataset.size}; path=${location.pathname}; max-age=31536000; SameSite=Lax`;
    pick.look();
  });

  pick.start();
  send.start();
  paint();
})();
