// What is on the operator's page: the image that is asked, those ahead of it, and what follows from who looks at what.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const $ = (id) => document.getElementById(id);
  const NEAR = 3; // images behind that stay loaded
  const LATE_MS = 500;
  const HINT_MS = 2500;
  const LOW = 3; // fewer images ahead than this: fetch

  class Showing {
    constructor(config, words) {
      Object.assign(this, { config, words });
      this.current = null; // what is asked now
      this.ahead = [];
      this.look = null; // the row of the trail that is looked back at
      this.touched = new Map(); // capture -> when something about it was decided or sent
      this.turn = 0; // counts what is shown: an answer that was asked for in an earlier turn shows nothing by itself
      this.isSure = !config.feed.items.length; // that nothing waits: the server's last word, when there was one
      this.trail = new Q.Trail(config.person);
      this.outbox = new Q.Outbox(config.person, config.api);
      this.viewer = new Q.Viewer($("q-osd"), matchMedia("(prefers-reduced-motion: reduce)").matches);
      this.panel = new Q.Panel(words);
      this.light = new Q.Look(this.viewer, $("q-glass"), words);
      this.alike = new Q.Alike($("q-alike"), document.querySelector("[data-do=alike]"), words);
      this.feed = new Q.Feed(config);
      this.count = this.counted(config.feed);
      this.told = new Q.Told(config, words, this.outbox, (capture) => this.bring(capture));
    }

    get inHand() {
      return [this.current, ...this.ahead].filter(Boolean);
    }

    get seen() {
      return this.look ? (this.look.now ?? this.look.item) : this.current;
    }

    get isGone() {
      return !this.seen?.view_url || this.gone === this.seen.capture;
    }

    // As the server counts, with what it has not heard of yet.
    counted({ left, done, set_aside: aside }) {
      const of = (kind) => this.outbox.entries.filter((one) => one.kind === kind).length;
      const [labels, skipped, undone] = [of("label"), of("skip"), of("undo")];
      return {
        left: Math.max(0, left - labels - skipped + undone),
        done: Math.max(0, done + labels - undone),
        set_aside: aside + skipped,
      };
    }

    advance() {
      if (this.current && !this.ahead.length) this.isSure = false; // until the server says so
      this.current = this.ahead.shift() ?? null;
      this.look = null;
      this.show();
      if (this.ahead.length < LOW) this.feed.soon(50);
    }

    show() {
      const item = this.seen;
      $("q-work").hidden = !item;
      this.turn += 1;
      this.gone = null;
      this.paintedAt = this.revealedAt = null;
      this.panel.note(item?.capture);
      if (item) {
        this.viewer.show(item);
        this.panel.show(item);
        this.panel.held(item);
      }
      if (this.isGone) this.light.show(item, null);
      this.update();
      this.around();
      this.alike.follow(item);
    }

    // What follows from who looks at what: buttons, counters, the strip above a look back.
    update() {
      const { trail, look, words } = this;
      const row = look ?? trail.last;
      const answer = (one) => this.wordOf(one);
      this.panel.buttons(this.seen, {
        said: look?.label,
        isGone: Boolean(this.seen) && this.isGone,
        isAway: Boolean(this.seen) && this.isAway,
        canUndo: Boolean(row),
        undoWords: row ? answer(row) : "",
        canForward: Boolean(look) || this.isBlocked(this.current),
      });
      this.panel.empty({ isEmpty: !this.seen, isSure: this.isSure && this.told.feed === "ok" });
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

    isBlocked(item) {
      return Boolean(item?.held_by || item?.is_over);
    }

    // The same image may come as another object: it was asked for again.
    painted(item) {
      $("q-plain")?.remove();
      if (item.capture === this.seen?.capture) this.paintedAt ??= performance.now();
    }

    revealed(item, image) {
      this.light.show(item, image);
      if (item.capture !== this.seen?.capture) return;
      this.revealedAt = performance.now();
      if (!this.gone) return;
      this.gone = null; // it was there after all
      this.update();
    }

    // Nobody judges what they have not seen. A picture that is loaded and not drawn was scrolled out of sight.
    get isSeen() {
      return this.paintedAt !== null || (this.revealedAt !== null && performance.now() - this.revealedAt > LATE_MS);
    }

    // It failed to come while the network was away: nobody knows whether it is there.
    get isAway() {
      return this.isGone && Boolean(this.seen?.view_url) && (!navigator.onLine || this.told.feed !== "ok");
    }

    vanished(item) {
      if (item.capture !== this.seen?.capture) return;
      this.gone = item.capture;
      $("q-plain")?.remove();
      this.light.show(item, null);
      this.update();
    }

    say(text) {
      $("q-say").textContent = text;
    }

    // Why a key did nothing: said, and shown for a moment.
    hint(text) {
      this.say(text);
      $("q-hint").textContent = text;
      $("q-hint").hidden = false;
      clearTimeout(this.hinting);
      this.hinting = setTimeout(() => ($("q-hint").hidden = true), HINT_MS);
    }

    wordOf(row) {
      return row.kind === "skip" ? this.words.skipped : (this.config.answers[row.label] ?? row.label);
    }
  }

  Q.Showing = Showing;
})();
