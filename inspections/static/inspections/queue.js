// The operator's page: one image, one decision, the next one. A decision is written down, the next image is shown, and
// only then is anything sent; no key ever waits for the network.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const $ = (id) => document.getElementById(id);
  const NEAR = 3; // images behind that stay loaded
  const LOW = 3; // fewer images ahead than this: fetch

  class Desk {
    constructor(config, words) {
      Object.assign(this, { config, words });
      this.current = null; // what is asked now
      this.ahead = [];
      this.look = null; // the row of the trail that is looked back at
      this.touched = new Map(); // capture -> when something about it was decided or sent
      this.count = { left: config.feed.left, done: config.feed.done, set_aside: config.feed.set_aside };
      this.trail = new Q.Trail(config.person);
      this.outbox = new Q.Outbox(config.person, config.api);
      this.viewer = new Q.Viewer($("q-osd"), matchMedia("(prefers-reduced-motion: reduce)").matches);
      this.panel = new Q.Panel(words);
      this.light = new Q.Look(this.viewer, $("q-glass"), words);
      this.feed = new Q.Feed(config);
      this.told = new Q.Told(config, words, this.outbox, (capture) => this.bring(capture));
      this.listen();
      this.take(config.feed.items);
      this.advance();
      this.feed.start(
        () => this.inHand.map((item) => item.item).filter(Boolean),
        () => Math.max(1 + config.ahead, this.inHand.length) + this.outbox.entries.length,
        () => !this.current,
      );
      this.outbox.now();
    }

    get inHand() {
      return [this.current, ...this.ahead].filter(Boolean);
    }

    get seen() {
      return this.look ? this.look.item : this.current;
    }

    get isGone() {
      return !this.seen?.view_url || this.gone === this.seen.capture;
    }

    listen() {
      const { outbox, viewer, feed } = this;
      viewer.addEventListener("revealed", ({ detail }) => this.light.show(detail.item, detail.image));
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

    // --- showing ---------------------------------------------------------------------------------------------------

    advance() {
      this.current = this.ahead.shift() ?? null;
      this.look = null;
      this.show();
      if (this.ahead.length < LOW) this.feed.soon(50);
    }

    show() {
      const item = this.seen;
      $("q-work").hidden = !item;
      $("q-empty").hidden = Boolean(item);
      this.gone = null;
      this.paintedAt = null;
      if (item) {
        this.viewer.show(item);
        this.panel.show(item);
        this.panel.held(item);
      }
      if (this.isGone) this.light.show(item, null);
      this.update();
      this.around();
    }

    // What follows from who looks at what: buttons, counters, the strip above a look back.
    update() {
      const { trail, look, words } = this;
      const row = look ?? trail.last;
      const answer = (one) => this.wordOf(one);
      this.panel.buttons(this.seen, {
        said: look?.label,
        isGone: Boolean(this.seen) && this.isGone,
        canUndo: Boolean(row),
        undoWords: row ? answer(row) : "",
        canForward: Boolean(look) || Boolean(this.current?.held_by),
      });
      $("q-glass").dataset.looking = look ? "yes" : "no";
      $("q-looking").hidden = !look;
      if (look) {
        const values = { n: trail.rows.indexOf(look) + 1, all: trail.length, answer: answer(look) };
        $("q-looking-words").textContent = Q.fill(words.looking, values);
      }
      this.counters();
      this.lease();
    }

    counters() {
      $("q-left").textContent = this.count.left.toLocaleString(document.documentElement.lang);
      $("q-done").textContent = this.count.done.toLocaleString(document.documentElement.lang);
      $("q-bring").hidden = !this.count.set_aside;
      $("q-set-aside").textContent = this.count.set_aside;
    }

    lease() {
      this.panel.lease(!this.look && this.current && !this.current.held_by && this.feed.until.get(this.current.capture));
    }

    // Loads what comes next, lets go of what is far behind.
    around() {
      const behind = this.trail.rows.slice(-NEAR).map((row) => row.capture);
      const captures = [this.seen?.capture, ...this.inHand.map((item) => item.capture), ...behind];
      this.viewer.keep(new Set(captures));
      for (const item of this.ahead.slice(0, this.config.ahead)) this.viewer.load(item);
      if (this.light.is.heat && this.ahead[0]?.heat_url) new Image().src = this.ahead[0].heat_url;
    }

    painted(item) {
      $("q-plain")?.remove();
      if (item === this.current) this.paintedAt = performance.now();
    }

    vanished(item) {
      if (item !== this.seen) return;
      this.gone = item.capture;
      $("q-plain")?.remove();
      this.light.show(item, null);
      this.update();
    }

    say(text) {
      $("q-say").textContent = text;
    }

    wordOf(row) {
      return row.kind === "skip" ? this.words.skipped : (this.config.answers[row.label] ?? row.label);
    }

    // --- deciding --------------------------------------------------------------------------------------------------

    decide(label) {
      const item = this.seen;
      if (!item || !label || item.held_by) return;
      if (this.isGone && label !== "unsure") return this.say(this.words.noPicture);
      if (this.look) return this.change(label);
      const took = this.paintedAt === null ? null : Math.round(performance.now() - this.paintedAt);
      const row = { capture: item.capture, kind: "label", label, token: Q.token(), expected: item.expected, item };
      this.put(row, { took_ms: took, note: this.note() });
      this.count.done += 1;
      this.onwards(row);
    }

    skip() {
      const item = this.current;
      if (this.look || !item) return this.forward();
      if (item.held_by) return this.advance();
      const row = { capture: item.capture, kind: "skip", token: Q.token(), item };
      this.put(row, {});
      this.count.set_aside += 1;
      this.onwards(row);
    }

    put(row, more) {
      const { item, id, ...entry } = row;
      this.touch(row.capture);
      this.outbox.put({ ...entry, ...more });
    }

    onwards(row) {
      this.trail.push(row);
      this.count.left = Math.max(0, this.count.left - 1);
      this.advance();
      this.say(Q.fill(this.words.decided, { answer: this.wordOf(row), left: this.count.left }));
    }

    agree() {
      const label = this.seen?.blind ? null : this.seen?.label_suggested;
      if (label && label in this.config.answers) this.decide(label);
      else this.say(this.words.noAgree);
    }

    note() {
      const text = $("q-note").value.trim();
      $("q-note").value = "";
      return text;
    }

    touch(capture) {
      this.touched.delete(capture);
      this.touched.set(capture, performance.now());
      if (this.touched.size > 300) this.touched.delete(this.touched.keys().next().value);
    }

    // --- undoing ---------------------------------------------------------------------------------------------------

    // Takes back what stands in this row: the server is told only where it knows of it.
    takeBack(row) {
      this.touch(row.capture);
      if (this.outbox.withdraw(row.token) || row.kind === "skip") return null;
      const entry = { kind: "undo", token: Q.token(), of: row.token, label_id: row.id, capture: row.capture, label: row.label };
      this.outbox.put(entry);
      return entry.token;
    }

    async undo() {
      const row = this.look ?? this.trail.last;
      if (!row) return this.say(this.words.nothingToUndo);
      const token = this.takeBack(row);
      this.trail.remove(row);
      this.count.left += 1;
      if (row.kind === "label") this.count.done = Math.max(0, this.count.done - 1);
      else this.count.set_aside = Math.max(0, this.count.set_aside - 1);
      this.say(Q.fill(this.words.undone, { answer: this.wordOf(row) }));
      if (row.kind === "skip") this.feed.one(row.capture, true); // to hold it again
      this.ask(row.item ?? (await this.fetched(row.capture, token)));
    }

    // Puts an image before the person; what was asked comes right after it.
    ask(item) {
      if (!item) return this.update();
      this.ahead = this.inHand.filter((one) => one.capture !== item.capture);
      this.current = item;
      this.look = null;
      this.show();
    }

    // After an undo the server must have heard of it before it is asked how the image stands.
    async fetched(capture, token) {
      if (token) await this.struck(token);
      return this.feed.one(capture, true);
    }

    struck(token) {
      return new Promise((done) => {
        const look = () => (this.outbox.entries.some((one) => one.token === token) ? setTimeout(look, 100) : done());
        look();
      });
    }

    // Another answer while looking back: the old one is taken back, the new one given.
    change(label) {
      const row = this.look;
      if (row.kind === "skip" || row.label === label) return this.forward();
      this.takeBack(row);
      Object.assign(row, { label, token: Q.token(), id: undefined });
      this.put(row, { note: this.note() });
      this.trail.save();
      this.say(Q.fill(this.words.decided, { answer: this.wordOf(row), left: this.count.left }));
      this.forward();
    }

    // --- looking back ----------------------------------------------------------------------------------------------

    async back() {
      const { rows } = this.trail;
      const place = this.look ? rows.indexOf(this.look) - 1 : rows.length - 1;
      if (place < 0) return this.say(this.words.oldest);
      await this.lookAt(rows[place]);
    }

    async forward() {
      if (!this.look) return this.current?.held_by ? this.advance() : this.say(this.words.newest);
      const row = this.trail.rows[this.trail.rows.indexOf(this.look) + 1];
      return row ? this.lookAt(row) : this.live();
    }

    async lookAt(row) {
      row.item ??= await this.feed.one(row.capture);
      if (!row.item) return this.say(this.words.feedFailed);
      this.look = row;
      this.show();
      return undefined;
    }

    live() {
      this.look = null;
      this.show();
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
      const pending = this.outbox.entries;
      if (![...this.touched.values()].some((at) => at >= started)) {
        const labels = pending.filter((one) => one.kind === "label").length;
        const undone = pending.filter((one) => one.kind === "undo").length;
        const skipped = pending.filter((one) => one.kind === "skip").length;
        this.count = { left: Math.max(0, left - labels - skipped + undone), done: done + labels - undone, set_aside: aside + skipped };
      }
      if (!this.current) this.arrive();
      else if (!this.current.held_by && lost(this.current)) this.regain(this.current);
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

    // The lease ended meanwhile: hold it again, or say who has it, or go on where it was decided.
    async regain(item) {
      const now = await this.feed.one(item.capture, true);
      if (!now || item !== this.current || this.isPending(item.capture)) return;
      if (!now.lease_until && !now.held_by) return this.look ? (this.current = this.ahead.shift() ?? null) : this.advance();
      item.held_by = now.held_by;
      this.panel.held(this.seen);
      this.update();
    }

    unfed({ status, kind }) {
      this.told.feed = status === 0 ? "offline" : status === 401 ? (kind === "locked" ? "locked" : "signed-out") : "busy";
      if (kind === "locked") document.dispatchEvent(new CustomEvent("selvedge:locked"));
      this.told.banners();
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
      this.count.done = Math.max(0, this.count.done - 1);
      if (this.look === row) this.live();
      else this.update();
    }

    async bring(capture) {
      this.ask(await this.feed.one(capture, true));
    }
  }

  Q.Desk = Desk;
})();
