// The operator's page: one image, one decision, the next one. Here it listens to the server and to its own parts.
(() => {
  const Q = (window.selvedgeQueue ??= {});

  class Desk extends Q.Looking {
    constructor(config, words) {
      super(config, words);
      this.listen();
      this.take(config.feed.items.filter((item) => !this.isPending(item.capture)));
      this.advance();
      this.feed.start(
        () => this.items,
        () => Math.max(1 + config.ahead, this.inHand.length) + this.outbox.entries.length,
        () => !this.current,
      );
      this.outbox.now();
    }

    // What is in hand, and what this tab would give back.
    get items() {
      return this.inHand.map((item) => item.item).filter(Boolean);
    }

    listen() {
      const { outbox, viewer, feed } = this;
      viewer.addEventListener("revealed", ({ detail }) => this.revealed(detail.item, detail.image));
      viewer.addEventListener("painted", ({ detail }) => this.painted(detail));
      viewer.addEventListener("gone", ({ detail }) => this.vanished(detail));
      viewer.addEventListener("view", () =>
        document.querySelector("#q-tools [data-do=zoom]").setAttribute("aria-pressed", viewer.isClose),
      );
      for (const name of ["change", "state"]) outbox.addEventListener(name, () => this.told.banners());
      outbox.addEventListener("cards", () => this.told.cards());
      outbox.addEventListener("sent", ({ detail }) => this.sent(detail));
      outbox.addEventListener("refused", ({ detail }) => this.refused(detail.entry));
      feed.addEventListener("fed", ({ detail }) => this.fed(detail));
      feed.addEventListener("failed", ({ detail }) => this.unfed(detail));
      feed.addEventListener("renewed", () => this.lease());
      document.addEventListener("selvedge:unlocked", () => {
        outbox.now();
        feed.soon(0);
      });
      setInterval(() => this.lease(), 1000);
    }

    // --- what the server says ----------------------------------------------------------------------------------------

    isPending(capture) {
      return this.outbox.entries.some((one) => one.capture === capture);
    }

    // True if an answer that was asked for at `started` may not know yet what happened here.
    isStale(capture, started) {
      return this.isPending(capture) || (this.touched.get(capture) ?? -1) >= started;
    }

    take(items) {
      for (const item of items) this.feed.until.set(item.capture, new Date(item.lease_until));
      this.ahead.push(...items);
    }

    fed({ items, known, asked, started, left, done, set_aside: aside, person }) {
      if (person !== this.config.person) return location.reload(); // somebody else signed in: the name above is wrong
      this.told.feed = "ok";
      this.told.banners();
      if (this.outbox.state !== "ok") this.outbox.now();
      const hers = new Map(this.inHand.map((item) => [item.capture, item]));
      const fresh = items.filter((item) => !this.isStale(item.capture, started));
      for (const item of fresh) if (hers.has(item.capture)) hers.get(item.capture).item = item.item;
      this.take(fresh.filter((item) => !hers.has(item.capture)));
      const held = new Set([...known, ...items].map((one) => one.capture));
      const lost = (item) => asked.includes(item.item) && !held.has(item.capture) && !this.isStale(item.capture, started);
      this.ahead = this.ahead.filter((item) => !lost(item));
      if (![...this.touched.values()].some((at) => at >= started)) this.count = this.counted({ left, done, set_aside: aside });
      this.isSure = [...items, ...known].every((one) => this.isPending(one.capture));
      this.viewer.retryAll();
      if (!this.current) this.arrive();
      else if (!this.isBlocked(this.current) && lost(this.current)) this.regain(this.current);
      this.update();
      this.around();
    }

    arrive() {
      if (!this.ahead.length) return;
      const isLooking = this.look;
      this.current = this.ahead.shift();
      if (isLooking) return;
      this.show();
      this.say(this.words.newHere);
    }

    // The lease ended meanwhile: hold it again, or say who has it or that it was decided. Nothing is swapped under a hand.
    async regain(item) {
      const now = await this.feed.one(item.capture, true);
      if (!now || item !== this.current || this.isPending(item.capture)) return;
      item.held_by = now.held_by;
      item.is_over = !now.lease_until && !now.held_by;
      if (item.is_over && this.look) this.current = this.ahead.shift() ?? null;
      this.panel.held(this.seen);
      this.update();
    }

    unfed({ status, kind }) {
      this.told.feed = status === 0 ? "offline" : status === 401 ? (kind === "locked" ? "locked" : "signed-out") : "busy";
      if (kind === "locked") document.dispatchEvent(new CustomEvent("selvedge:locked"));
      this.told.banners();
      this.update();
    }

    sent({ entry, said }) {
      this.touch(entry.capture);
      const row = this.trail.of(entry.token);
      if (!row || !said?.id) return;
      row.id = said.id;
      this.trail.save();
    }

    // A decision that did not count is none to undo; the card tells why.
    refused(entry) {
      const row = this.trail.of(entry.token);
      if (!row) return;
      this.trail.remove(row);
      if (row.kind === "label") this.count.done = Math.max(0, this.count.done - 1);
      if (this.look === row) this.live();
      else this.update();
    }

    // True if it came.
    async bring(capture) {
      const turn = (this.turn += 1);
      const item = await this.feed.one(capture, true);
      if (item) this.ask(item, turn);
      else this.say(this.words.feedFailed);
      return Boolean(item);
    }
  }

  Q.Desk = Desk;
})();
