// What the pages do beyond HTML. Every page works without this file.
(() => {
  const $ = (id) => document.getElementById(id);
  const keep = window.selvedgeKeep;

  // --- theme -------------------------------------------------------------------------------------------------

  function theme() {
    const button = $("theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
      keep.write("selvedge-theme", next);
      document.documentElement.dataset.bsTheme = next;
    });
  }

  // --- polling: ask only while somebody looks, and say "nothing new" by ETag --------------------------------

  function polls(live) {
    live.addEventListener("htmx:configRequest", (event) => {
      const listens = document.documentElement.hasAttribute("data-listens");
      if (document.hidden && !listens) event.preventDefault();
      else if (live.dataset.etag) event.detail.headers["If-None-Match"] = live.dataset.etag;
    });
    live.addEventListener("htmx:afterRequest", (event) => {
      const answer = event.detail.xhr;
      const answered = answer.status === 304 || (answer.status >= 200 && answer.status < 300);
      $("offline").hidden = answered;
      if (answered) live.dataset.etag = (!held && answer.getResponseHeader("ETag")) || ""; // what waits comes again
    });
    live.addEventListener("htmx:beforeRequest", () => (held = 0));
    live.addEventListener("htmx:afterRequest", tellFresh);
    document.addEventListener("pointerover", (event) => {
      if (held && !event.target.closest(".thumbs")) window.htmx.trigger(live, "refresh");
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) window.htmx.trigger(live, "refresh");
    });
  }

  // A new picture of the page must not close what the reader opened, nor bring back a picture that is not there.
  function keepWhatTheReaderDid() {
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(name === "open" && node.tagName === "DETAILS") && !(name === "class" && node.classList.contains("thumb"));
    window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (node, fresh) => !isOwn(node) && !holds(node, fresh);
  }

  // What is typed stays; a field that nobody touched goes with the time.
  const isOwn = (node) =>
    node.hasAttribute?.("data-own") || (node instanceof HTMLInputElement && node.value !== node.defaultValue);

  // Nor does it change the image under the pointer: a press would open another one than was looked at.
  let held = 0;

  function holds(list, fresh) {
    if (!list.matches?.(".thumbs:hover") || !window.matchMedia("(hover: hover)").matches) return false;
    const ids = (of) => [...of.querySelectorAll(".thumb")].map((thumb) => thumb.id);
    const old = ids(list);
    if (old.join() === ids(fresh).join()) return false;
    held = ids(fresh).filter((id) => !old.includes(id)).length || 1;
    return true;
  }

  function tellFresh() {
    if (!$("fresh")) return; // a part that moves by hand
    $("fresh").hidden = !held;
    $("fresh-count").textContent = held;
  }

  // --- pictures that are not there ---------------------------------------------------------------------------

  const gone = (img) => img.closest(".thumb")?.classList.add("is-missing");
  document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && gone(event.target), true);

  function pictures() {
    for (const img of document.querySelectorAll(".thumb img")) {
      if (img.complete && img.naturalWidth === 0 && img.currentSrc) gone(img);
    }
  }

  // --- filters: choosing is applying -------------------------------------------------------------------------

  function filters() {
    const form = $("filters");
    form?.addEventListener("change", (event) => {
      if (event.target.type !== "datetime-local") form.requestSubmit();
    });
    // What is left empty need not stand in the address.
    form?.addEventListener("submit", () => {
      for (const field of form.elements) if (field.value === "") field.disabled = true;
    });
    window.addEventListener("pageshow", () => {
      for (const field of form?.elements ?? []) field.disabled = false;
    });
  }

  // --- heat-map: stays on from capture to capture ------------------------------------------------------------

  const paint = () => {
    if ($("heat-layer")) $("heat-layer").style.opacity = $("heat-opacity").value / 100;
  };

  function heat() {
    const box = $("heat");
    if (!box || box.dataset.ready) return;
    box.dataset.ready = "yes";
    box.checked = keep.read("heat", "sessionStorage") === "on";
    $("heat-opacity").value = keep.read("heat-opacity", "sessionStorage") || 75;
    $("heat-strength").hidden = false;
    paint();
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "heat") keep.write("heat", event.target.checked ? "on" : "off", "sessionStorage");
  });
  document.addEventListener("input", (event) => {
    if (event.target.id !== "heat-opacity") return;
    keep.write("heat-opacity", event.target.value, "sessionStorage");
    paint();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=range]), select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "h" || event.key === "H") $("heat")?.click();
    if (event.key === "ArrowLeft" && event.target.type !== "range") $("older")?.click();
    if (event.key === "ArrowRight" && event.target.type !== "range") $("newer")?.click();
  });

  document.addEventListener("DOMContentLoaded", () => {
    theme();
    filters();
    pictures();
    heat();
    const live = $("live");
    if (live) {
      keepWhatTheReaderDid();
      polls(live);
    }
  });
  document.addEventListener("htmx:afterSettle", heat);
})();
