// What a person must be told: banners about what is kept here and why, and cards about decisions that did not count.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const $ = (id) => document.getElementById(id);
  // In one pass, and to the letter: a name may hold braces or dollars.
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));

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
      if (outbox.store.isShut) say("alert", words.feedTitle, words.notSaved);
      for (const other of outbox.store.others()) found.push(this.kept(other));
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

    why({ entry, status, kind, current, by }) {
      const { words } = this;
      const named = (label) => this.config.answers[label] ?? label ?? "";
      const mine = named(entry.label);
      const person = current?.person ?? by ?? words.somebody;
      if (kind === "undo-unknown") return fill(words.undoUnknown, { mine });
      const reasons = {
        changed: words.whyChanged,
        held: words.whyHeld,
        "class-unknown": words.whyUnknown,
        "class-retired": words.retired,
        "not-judged": words.whyNotJudged,
        "asked-blind": words.whyAskedBlind,
        "token-used": words.whyTokenUsed,
        "other-person": words.whyOtherPerson,
        "not-yours": words.whyNotYours,
        "not-undoable": words.whyNotUndoable,
        "not-found": words.whyNotFound,
      };
      const why = fill(reasons[kind] ?? fill(words.whyOther, { kind: kind || status }), { person });
      if (entry.kind === "undo") return fill(words.undoRefused, { mine, why });
      if (kind === "changed" && current) return fill(words.changedBy, { person, answer: named(current.label), mine });
      if (kind === "changed") return fill(words.changedUndone, { mine });
      if (kind === "held") return fill(words.heldBy, { person, mine });
      if (status === 404) return fill(words.notFound, { mine });
      return fill(words.refused, { mine, why });
    }

    cards() {
      const { outbox, words } = this;
      const refused = outbox.refused.map((one) => this.card(one));
      $("q-cards").replaceChildren(...refused, ...outbox.stuck.map((entry) => this.stuck(entry, words)));
    }

    card(refused) {
      const { entry, status } = refused;
      const forget = () => this.outbox.forget(entry.token);
      const again = status !== 404 && this.button(this.words.decideAgain, async () => (await this.again(entry.capture)) && forget());
      return this.framed(entry, this.why(refused), again, this.button(this.words.letStand, forget));
    }

    // The server breaks over it: it is tried again now and then, unless somebody gives it up.
    stuck(entry, words) {
      const mine = this.config.answers[entry.label] ?? words.skipped;
      const text = fill(entry.kind === "undo" ? words.stuckUndo : words.stuck, { mine });
      return this.framed(entry, text, this.button(words.letBe, () => this.outbox.letBe(entry)));
    }

    button(words, does) {
      const made = element("button", "button", words);
      made.type = "button";
      made.addEventListener("click", does);
      return made;
    }

    framed(entry, words, ...buttons) {
      const picture = element("img", "");
      picture.alt = "";
      picture.src = `/captures/${entry.capture}/view/`;
      picture.addEventListener("error", () => picture.remove());
      const body = element("div", "", element("p", "", words), element("div", "q-card-does", ...buttons));
      return element("div", "notice notice-alert q-card", picture, body);
    }
  }

  Object.assign(Q, { Told, fill });
})();
