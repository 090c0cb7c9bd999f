// The look-alikes of the image that is seen: asked for only while their strip is open, and only of an image that somebody
// stays at. They come after everything else, and what comes too late for its image is not shown.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const KEPT = "selvedge-queue-alike";
  const DWELL_MS = 150; // who is faster than this does not look at them
  const PATIENCE_MS = 10000;

  const kept = () => {
    try {
      return sessionStorage.getItem(KEPT) === "open";
    } catch {
      return false;
    }
  };

  class Alike {
    constructor(place, button, words) {
      Object.assign(this, { place, button, words });
      this.of = ""; // what the strip shows, or is waiting for
      this.set(kept());
    }

    // Stays open from image to image, as zoom and heat-map do.
    set(isOpen) {
      this.isOpen = isOpen;
      this.place.hidden = !isOpen;
      this.button.setAttribute("aria-expanded", isOpen);
      try {
        sessionStorage.setItem(KEPT, isOpen ? "open" : "closed");
      } catch {
        // it holds until the page is left
      }
    }

    toggle(item) {
      this.set(!this.isOpen);
      this.follow(item);
    }

    // What is blind comes again as the same image, with the answer.
    follow(item) {
      const of = this.isOpen && item ? `${item.capture} ${item.blind}` : "";
      if (of === this.of) return;
      this.of = of;
      clearTimeout(this.timer);
      this.asking?.abort();
      this.tell(this.words.alikeComing);
      if (of) this.timer = setTimeout(() => this.ask(item, of), DWELL_MS);
    }

    async ask(item, of) {
      const found = await this.found(Q.fill(Q.config.alike_url, { capture: item.capture }));
      if (of !== this.of) return;
      if (found) this.show(found);
      else this.tell(this.words.alikeFailed);
    }

    // The part of the capture's page; a page that asks to sign in has none.
    async found(url) {
      this.asking = new AbortController();
      const signal = AbortSignal.any([this.asking.signal, AbortSignal.timeout(PATIENCE_MS)]);
      try {
        const answer = await fetch(url, { signal, priority: "low", headers: { "HX-Request": "true" } });
        const read = new DOMParser().parseFromString(await answer.text(), "text/html");
        return answer.ok && read.getElementById("look-alikes");
      } catch {
        return null;
      }
    }

    show(found) {
      for (const link of found.querySelectorAll(".thumb")) {
        link.dataset.peek = link.querySelector("img").getAttribute("src");
        link.dataset.title = link.querySelector(".state").textContent.trim();
      }
      this.place.replaceChildren(...found.children);
    }

    // The strip keeps its height, so that the image above keeps its size.
    tell(text) {
      const line = document.createElement("p");
      line.className = "soft";
      line.textContent = text;
      this.place.replaceChildren(line);
    }
  }

  Q.Alike = Alike;
})();
