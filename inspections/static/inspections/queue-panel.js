// The words and small pictures around the image. The server rendered them; here they are put into their places.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const DWELL_MS = 150; // who is faster than this does not look at the neighbours
  const $ = (id) => document.getElementById(id);

  // The slots of an item, parsed once; pictures wait until the item is looked at.
  function slotsOf(item) {
    if (!item.slots) {
      const template = document.createElement("template");
      template.innerHTML = item.html;
      for (const img of template.content.querySelectorAll("img")) {
        img.dataset.src = img.getAttribute("src");
        img.removeAttribute("src");
      }
      item.slots = Object.fromEntries([...template.content.children].map((one) => [one.dataset.slot, one]));
      item.html = "";
    }
    return item.slots;
  }

  const nodesOf = (slot) => [...slot.cloneNode(true).childNodes];

  class Panel {
    constructor(words) {
      this.words = words;
      this.drafts = new Map(); // capture -> a note that was not sent
      const missing = (img) => img.closest(".q-pic")?.classList.add("is-missing");
      document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && missing(event.target), true);
      for (const img of document.querySelectorAll(".q-pic img")) if (img.complete && !img.naturalWidth) missing(img);
    }

    show(item) {
      const slots = slotsOf(item);
      $("q-caption").replaceChildren(...nodesOf(slots.caption));
      $("q-answer").replaceChildren(...nodesOf(slots.answer));
      this.rail(nodesOf(slots.rail));
      this.details = slots.details;
      $("q-inline").replaceChildren(...nodesOf(slots.details));
      if ($("q-details").open) this.openDetails();
    }

    // The good reference is most often the same as before: its picture stays.
    rail(nodes) {
      const rail = $("q-rail");
      const old = rail.querySelector(".q-reference");
      const fresh = nodes.find((node) => node.className === "q-reference");
      const address = (figure) => figure?.querySelector("a")?.href ?? "none";
      if (old && address(old) === address(fresh)) nodes[nodes.indexOf(fresh)] = old;
      rail.replaceChildren(...nodes);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.pictures(rail), DWELL_MS);
    }

    pictures(place) {
      for (const img of place.querySelectorAll("img[data-src]")) {
        img.src = img.dataset.src;
        delete img.dataset.src;
      }
    }

    openDetails() {
      $("q-details-in").replaceChildren(...nodesOf(this.details));
      if (!$("q-details").open) $("q-details").showModal();
    }

    // The buttons: what can be said of this image, and what was said of it.
    buttons(item, { said, isGone, canUndo, undoWords, canForward, isAway }) {
      const form = $("q-decide");
      const { answers } = Q.config;
      const agrees = item && !item.blind && item.label_suggested in answers ? item.label_suggested : "";
      const isHeld = !item || Boolean(item.held_by) || Boolean(item.is_over);
      for (const button of form.querySelectorAll("[data-do=label]")) {
        button.disabled = isHeld || (isGone && button.dataset.label !== "unsure");
        button.toggleAttribute("data-said", button.dataset.label === said);
        button.toggleAttribute("data-suggested", Boolean(agrees) && button.dataset.label === agrees);
      }
      const agree = form.querySelector("[data-do=agree]");
      agree.value = agrees;
      agree.disabled = isHeld || isGone || !agrees;
      $("q-agree-word").textContent = agrees
        ? Q.fill(this.words.agree, { answer: answers[agrees] })
        : this.words[item?.blind ? "agreeBlind" : "agreeNone"];
      form.querySelector("[data-do=undo]").disabled = !canUndo;
      $("q-empty-does").hidden = !canUndo;
      for (const id of ["q-undo-word", "q-empty-undo-word"]) $(id).textContent = undoWords;
      document.querySelector("#q-tools [data-do=next]").disabled = !canForward;
      $("q-gone").hidden = !isGone;
      $("q-gone-words").hidden = isAway;
      $("q-away-words").hidden = !isAway;
    }

    // Why this image cannot be decided here now; empty where it can.
    heldWords(item) {
      if (item?.held_by) return Q.fill(this.words.held, { person: item.held_by });
      return item?.is_over ? this.words.over : "";
    }

    held(item) {
      const text = this.heldWords(item);
      $("q-held").hidden = !text;
      $("q-held").textContent = text;
    }

    // An empty queue and one that cannot be reached are two things.
    empty({ isEmpty, isSure }) {
      $("q-empty").hidden = !isEmpty;
      $("q-nothing").hidden = !isSure;
      $("q-coming").hidden = isSure;
    }

    // What is being written about one image stays with it.
    note(capture) {
      if (capture === this.noted) return;
      const field = $("q-note");
      if (this.noted && field.value.trim()) this.drafts.set(this.noted, field.value);
      field.value = this.drafts.get(capture) ?? "";
      this.noted = capture;
    }

    takeNote() {
      const text = $("q-note").value.trim();
      $("q-note").value = "";
      this.drafts.delete(this.noted);
      return text;
    }

    lease(until) {
      const lease = $("q-lease");
      lease.hidden = !until || until < Date.now();
      if (lease.hidden) return;
      const time = until.toLocaleTimeString(document.documentElement.lang, { hour12: false });
      lease.lastElementChild.textContent = Q.fill(this.words.yours, { until: time });
    }
  }

  Q.Panel = Panel;
})();
