// What a person must be told: banners about what is kept here and why, and cards about decisions that did not count.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const $ = (id) => document.getElementById(id);
  const fill = (text, values) => Object.entries(values).reduce((all, [name, value]) => all.replaceAll(`{${name}}`, value), text);

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children.filter(Boolean));
    return made;
  }

  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(space, "use");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
  }

  function notice(kind, title, text, link) {
    const words = element("p", "", element("strong", "", title), ` ${text} `, link);
    return element("div", `notice notice-${kind}`, icon(kind === "alert" ? "i-alert" : "i-note"), words);
  }

  class Told {
    constructor(config, words, outbox, again) {
      Object.assign(this, { config, words, outbox, again });
      this.feed = "ok"; // or offline, busy, signed-out, locked
      this.banners();
      this.cards();
    }

    link(address, words) {
      const here = `${location.pathname}${location.search}`;
      const made = element("a", "", words);
      made.href = `${address}?next=${encodeURIComponent(here)}`;
      return made;
    }

    // --- banners -------------------------------------------------------------------------------------------------

    banners() {
      const { words, outbox } = this;
      const count = outbox.entries.length;
      const state = outbox.state === "ok" || !count ? this.feed : outbox.state;
      const found = [];
      const say = (kind, title, text, link) => found.push(notice(kind, title, fill(text, { n: count }), link));
      if (state === "offline") say("alert", words.offlineTitle, words.offline);
      if (state === "signed-out") say("alert", words.signedOutTitle, words.signedOut, this.link(this.config.login_url, words.signIn));
      if (state === "locked") say("alert", words.lockedTitle, words.locked, this.link(this.config.unlock_url, words.unlock));
      if (state === "other") found.push(this.kept({ person: outbox.person, count }));
      if (state === "busy") say("alert", words.feedTitle, count ? words.busy : words.feedFailed);
      if (outbox.memory) say("alert", words.feedTitle, words.notSaved);
      for (const other of outbox.others()) found.push(this.kept(other));
      this.replace(found);
      $("q-sent").hidden = !count;
      $("q-sent").lastElementChild.textContent = fill(words.toSend, { n: count });
    }

    kept({ person, count }) {
      return notice("note", this.words.otherTitle, fill(this.words.other, { n: count, person }));
    }

    // Only where the words changed: a banner that is read aloud shall be read once.
    replace(found) {
      const text = found.map((one) => one.textContent).join("\n");
      if (text === this.text) return;
      this.text = text;
      $("q-banners").replaceChildren(...found);
    }

    // --- cards ---------------------------------------------------------------------------------------------------

    why({ entry, status, kind, current, by, detail }) {
      const { words } = this;
      const mine = this.config.answers[entry.label] ?? entry.label ?? "";
      const named = (label) => this.config.answers[label] ?? label;
      if (entry.kind === "undo") return fill(words.undoRefused, { mine, why: detail ?? "" });
      if (kind === "changed" && current) return fill(words.changedBy, { person: current.person, answer: named(current.label), mine });
      if (kind === "changed") return fill(words.changedUndone, { mine });
      if (kind === "held") return fill(words.heldBy, { person: by, mine });
      if (kind === "class-retired") return fill(words.refused, { mine, why: words.retired });
      if (status === 404) return fill(words.notFound, { mine });
      return fill(words.refused, { mine, why: detail ?? status });
    }

    cards() {
      $("q-cards").replaceChildren(...this.outbox.refused.map((one) => this.card(one)));
    }

    card(refused) {
      const { entry, status } = refused;
      const button = (words, does) => {
        const made = element("button", "button", words);
        made.type = "button";
        made.addEventListener("click", () => {
          this.outbox.forget(entry.token);
          does?.();
        });
        return made;
      };
      const again = status !== 404 && button(this.words.decideAgain, () => this.again(entry.capture));
      const text = element("p", "", this.why(refused));
      const picture = element("img", "");
      picture.alt = "";
      picture.src = `/captures/${entry.capture}/view/`;
      picture.addEventListener("error", () => picture.remove());
      const body = element("div", "", text, element("div", "q-card-does", again, button(this.words.letStand)));
      return element("div", "notice notice-alert q-card", picture, body);
    }
  }

  Object.assign(Q, { Told, fill });
})();
