// Images from the server: what this person holds, a few ahead of the one that is seen, and how many are left. Leases are
// renewed while somebody looks, and given back when the page is left.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const POLL_MS = 10000;
  const IDLE_POLL_MS = 3000; // nothing to decide: what comes shall be seen soon
  const RENEW_MS = 30000;
  const MOST = 20; // held at once

  const LEAVING_MS = 5000;
  const MOST_WAIT_MS = 800;
  const ALIVE_MS = 2.5 * POLL_MS;
  const PAGE = "/queue/";

  // The other pages of this person in this browser that are being looked at: they hold the same images.
  class Tabs {
    constructor(person) {
      this.id = Q.token();
      this.seen = new Map(); // tab -> when it was heard of
      this.channel = new BroadcastChannel(`selvedge-queue:${person}`);
      this.channel.addEventListener("message", ({ data }) => {
        if (data.bye) this.seen.delete(data.bye);
        else this.seen.set(data.here, performance.now());
      });
      document.addEventListener("visibilitychange", () => (document.hidden ? this.bye() : this.here()));
    }

    here() {
      this.channel.postMessage({ here: this.id });
    }

    bye() {
      this.channel.postMessage({ bye: this.id });
    }

    get others() {
      return [...this.seen.values()].some((at) => performance.now() - at < ALIVE_MS);
    }
  }

  class Feed extends EventTarget {
    constructor(config) {
      super();
      this.config = config;
      this.until = new Map(); // capture -> the lease's end, as the server said
      setInterval(() => this.renew(), RENEW_MS);
      document.addEventListener("visibilitychange", () => document.hidden || this.soon(0));
      window.addEventListener("online", () => this.soon(0));
      this.tabs = new Tabs(config.person);
      this.leaving();
      window.addEventListener("pageshow", (event) => event.persisted && this.soon(0));
    }

    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    // `have()` says which items the page has; `wants()` how many it would have in hand with what is still to send.
    start(have, wants, isIdle) {
      Object.assign(this, { have, wants, isIdle });
      this.soon(0);
    }

    soon(ms) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.fetch(), ms);
    }

    async fetch() {
      if (this.busy) return (this.again = true);
      if (document.hidden) return;
      this.busy = true;
      this.again = false;
      this.tabs.here();
      const have = this.have();
      const started = performance.now();
      const limit = Math.min(MOST, this.wants());
      try {
        const answer = await Q.ask(`${this.config.items_url}&limit=${limit}&have=${have.join(",")}`);
        const said = await answer.json();
        if (answer.ok) this.learn(said, have, started);
        else this.tell("failed", { status: answer.status, kind: Q.kindOf(said) });
      } catch {
        this.tell("failed", { status: 0, kind: "offline" });
      }
      this.busy = false;
      this.soon(this.again ? 0 : this.isIdle() ? IDLE_POLL_MS : POLL_MS);
    }

    learn(said, asked, started) {
      for (const one of [...said.items, ...said.known]) this.until.set(one.capture, new Date(one.lease_until));
      if (this.until.size > 200) this.until = new Map([...this.until].slice(-100));
      this.tell("fed", { ...said, asked, started });
    }

    // One image as it stands now; with `hold`, leased where that can be. Undefined where there is no answer.
    async one(capture, hold) {
      try {
        const answer = await Q.ask(`${this.config.items_url}&capture=${capture}${hold ? "&hold" : ""}`);
        const said = await answer.json();
        if (!answer.ok) return undefined;
        const [item] = said.items;
        if (item.lease_until) this.until.set(item.capture, new Date(item.lease_until));
        return item;
      } catch {
        return undefined;
      }
    }

    async renew() {
      if (document.hidden || !this.until.size) return;
      try {
        const answer = await Q.ask(`${this.config.api}queue/renew/`, { method: "POST" });
        if (!answer.ok) return;
        const until = new Date((await answer.json()).lease_until);
        const now = Date.now();
        for (const [capture, end] of this.until) if (end > now) this.until.set(capture, until);
        this.tell("renewed");
      } catch {
        // the feed says that there is no connection
      }
    }

    // --- giving back -------------------------------------------------------------------------------------------------

    // A page that is loaded anew takes the same images: to let go of them would race with that. Other filters take
    // others, so what is held is given back before they are asked for.
    leaving() {
      let goes = { to: "", at: -Infinity };
      window.navigation?.addEventListener("navigate", ({ destination, hashChange, downloadRequest }) => {
        if (!hashChange && !downloadRequest) goes = { to: new URL(destination.url).pathname, at: performance.now() };
      });
      const stays = () => performance.now() - goes.at < LEAVING_MS && [PAGE, `${PAGE}decide/`].includes(goes.to);
      window.addEventListener("pagehide", () => {
        if (!stays()) this.release();
        this.tabs.bye();
      });
      const filters = document.getElementById("filters");
      filters.addEventListener("submit", (event) => {
        event.preventDefault();
        goes = { to: PAGE, at: performance.now() };
        const late = new Promise((done) => setTimeout(done, MOST_WAIT_MS));
        Promise.race([this.release(), late]).finally(() => filters.submit());
      });
    }

    // Only what this tab has, and only of this person: somebody else may have signed in meanwhile. What another tab of
    // hers shows too, stays.
    async release() {
      const items = this.have?.() ?? [];
      if (!items.length || this.tabs.others) return;
      const query = new URLSearchParams([...items.map((item) => ["item", item]), ["person", this.config.person]]);
      const headers = { Accept: "application/json", "X-CSRFToken": Q.csrf() };
      try {
        await fetch(`${this.config.api}queue/?${query}`, { method: "DELETE", keepalive: true, headers });
      } catch {
        // the leases end by themselves
      }
    }
  }

  Q.Feed = Feed;
})();
