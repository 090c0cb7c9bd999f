// Images from the server: what this person holds, a few ahead of the one that is seen, and how many are left. Leases are
// renewed while somebody looks, and given back when the page is left.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const POLL_MS = 10000;
  const IDLE_POLL_MS = 3000; // nothing to decide: what comes shall be seen soon
  const RENEW_MS = 30000;
  const MOST = 20; // held at once

  class Feed extends EventTarget {
    constructor(config) {
      super();
      this.config = config;
      this.until = new Map(); // capture -> the lease's end, as the server said
      setInterval(() => this.renew(), RENEW_MS);
      document.addEventListener("visibilitychange", () => document.hidden || this.soon(0));
      window.addEventListener("online", () => this.soon(0));
      window.addEventListener("pagehide", () => this.release());
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

    release() {
      fetch(`${this.config.api}queue/`, {
        method: "DELETE",
        keepalive: true,
        headers: { Accept: "application/json", "X-CSRFToken": Q.csrf() },
      }).catch(() => {}); // it ends by itself
    }
  }

  Q.Feed = Feed;
})();
