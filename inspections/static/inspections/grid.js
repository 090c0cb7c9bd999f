// The grid's buttons and keys; grid-pick.js picks, grid-send.js sends.
(() => {
  const [pick, send] = [window.selvedgePick, window.selvedgeSend];
  if (!pick) return;
  const $ = (id) => document.getElementById(id);
  const { keys, off } = JSON.parse(pick.grid.dataset.keys);
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
  $("grid-all").addEventListener("click", pick.pickAll);
  $("grid-none").addEventListener("click", pick.none);
  $("grid-range").addEventListener("click", () => (pick.range() ? pick.none() : pick.setRange("from")));
  $("grid-undo").addEventListener("click", send.undo);
  $("grid-retry").addEventListener("click", () => retry());
  $("grid-reload").addEventListener("click", () => location.reload());
  $("grid-drop").addEventListener("click", send.drop);
  window.addEventListener("online", () => !$("grid-trouble").hidden && send.hasPending() && send.send());
  document.addEventListener("selvedge:unlocked", () => send.hasPending() && send.send());
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
  const named = (key) => (key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key);
  const does = (action, key) => !off && keys[action]?.includes(key);

  for (const kbd of document.querySelectorAll(".grid-bar kbd[data-key]")) {
    const [key] = keys[kbd.dataset.key] ?? [];
    if (key && !off) kbd.textContent = key.length === 1 ? key.toUpperCase() : key;
    else kbd.hidden = true;
  }

  function withControl(event) {
    const key = `Ctrl+${event.key.toLowerCase()}`;
    if (does("undo", key)) send.undo();
    else if (event.key.toLowerCase() === "a") pick.pickAll();
    else return;
    event.preventDefault();
  }

  function plain(event) {
    const key = named(event.key);
    const button = classes.find((one) => one.dataset.action && does(one.dataset.action, key));
    const inGrid = pick.grid.contains(document.activeElement);
    if (MOVES.has(event.key)) pick.move(event.key, event.shiftKey);
    else if (event.key === "Escape") pick.none();
    else if (event.key === "Enter" && inGrid && pick.current()) look(pick.current());
    else if (key === "Space") return; // the box itself
    else if (does("undo", key)) send.undo();
    else if (button) send.label(button.dataset.label, button.dataset.name);
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (typing || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.metaKey) withControl(event);
    else plain(event);
  });

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
