// Starts the page: keys and buttons do the same things.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const $ = (id) => document.getElementById(id);

  function toggle(dialog) {
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  function does(desk, event) {
    const label = event?.currentTarget?.dataset?.label;
    const codes = Object.entries(desk.config.codes).map(([action, code]) => [action, () => desk.decide(code)]);
    return {
      ...Object.fromEntries(codes),
      label: () => desk.decide(label),
      unsure: () => desk.decide("unsure"),
      agree: () => desk.agree(),
      skip: () => desk.skip(),
      undo: () => desk.undo(),
      back: () => desk.back(),
      next: () => desk.forward(),
      live: () => desk.live(),
      zoom: () => desk.viewer.toggleZoom(),
      rotate: () => desk.viewer.rotate(),
      heat: () => heat(desk),
      alike: () => desk.alike.toggle(desk.seen),
      light: () => light(),
      reset: () => reset(desk),
      definition: () => meanings(desk),
      history: () => ($("q-details").open ? $("q-details").close() : desk.seen && desk.panel.openDetails()),
      note: () => note(),
      sheet: () => toggle($("q-sheet")),
      close: () => event?.currentTarget?.closest("dialog")?.close(),
    };
  }

  function heat(desk) {
    desk.light.set({ heat: !desk.light.is.heat });
    if (!desk.light.is.heat || desk.seen?.heat_url) return;
    desk.hint(desk.seen?.blind ? desk.words.blindHeat : desk.words.noHeat);
  }

  // A tablet held upright has no room for the field until somebody wants to write.
  function note() {
    $("q-note").parentElement.classList.add("is-wanted");
    $("q-note").focus();
  }

  function light() {
    const panel = $("q-light");
    panel.hidden = !panel.hidden;
    document.querySelector("[data-do=light]").setAttribute("aria-expanded", !panel.hidden);
  }

  function reset(desk) {
    desk.light.reset();
    desk.viewer.reset();
  }

  // Opens at the class that the model named, where it may be told.
  function meanings(desk) {
    toggle($("q-meanings"));
    const code = desk.seen && !desk.seen.blind && desk.seen.label_suggested;
    for (const one of $("q-meanings").querySelectorAll("li")) {
      const isIt = one.id === `meaning-${code}`;
      one.classList.toggle("is-it", isIt);
      if (isIt) one.scrollIntoView({ block: "nearest" });
    }
  }

  function peeks() {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-peek]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      $("q-peek-image").src = link.dataset.peek;
      $("q-peek-title").textContent = link.dataset.title;
      $("q-peek-open").href = link.href;
      $("q-peek").showModal();
    });
  }

  // Two presses of a finger at one button so soon are one: nobody has looked at the image between them.
  const DOUBLE_MS = 200;
  const DECIDES = ["label", "agree", "skip"];
  let last = { button: null, at: 0 };

  function isDouble({ currentTarget: button, detail: byPointer, timeStamp: at }) {
    if (!byPointer || !DECIDES.includes(button.dataset.do)) return false;
    const { button: before, at: then } = last;
    last = { button, at };
    return before === button && at - then < DOUBLE_MS;
  }

  function buttons(desk) {
    const run = (event) => {
      event.preventDefault();
      const button = event.currentTarget;
      if (!button.disabled && !isDouble(event)) does(desk, event)[button.dataset.do]?.();
    };
    for (const button of document.querySelectorAll("[data-do]")) {
      button.addEventListener("click", run);
      // A click leaves the focus where it is, or the next Space would press the same button again.
      button.addEventListener("mousedown", (event) => event.preventDefault());
    }
    $("q-decide").addEventListener("submit", (event) => event.preventDefault());
    $("q-sheet-open").addEventListener("click", (event) => {
      event.preventDefault();
      toggle($("q-sheet"));
    });
    $("q-note").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.target.blur();
    });
    for (const dialog of document.querySelectorAll(".q-dialog")) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!$("q-config")) return;
    const config = (Q.config = JSON.parse($("q-config").textContent));
    const words = JSON.parse($("q-words").textContent);
    document.documentElement.classList.add("has-script");
    const desk = (Q.desk = new Q.Desk(config, words));
    const keys = new Q.Keys(config, (action) => does(desk)[action]?.(), words);
    Q.sheet = new Q.Sheet($("q-keys"), keys, config.keys_url, words);
    buttons(desk);
    peeks();
    window.addEventListener("pagehide", () => desk.trail.write());
  });
})();
