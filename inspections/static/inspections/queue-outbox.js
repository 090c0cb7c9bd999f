// Decisions on their way to the server. Each is written down in this browser first, under the name of who made it, and
// struck out only when the server has answered. Sent in order; sent twice they are one, by their token.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const MOST_IDS = 500;
  const PATIENCE_MS = 15000;
  const SHORTEST_MS = 1000;
  const LONGEST_MS = 30000;
  const STUCK = 5; // answered so often by a server that broke: the others go first

  // randomUUID exists on HTTPS alone, and a mill's box may have none.
  Q.token = () => {
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 15) | 64;
    b[8] = (b[8] & 63) | 128;
    const hex = [...b].map((one) => one.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
  Q.csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  Q.ask = (url, options = {}) =>
    fetch(url, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...options,
      headers: { Accept: "application/json", "X-CSRFToken": Q.csrf(), ...options.headers },
    });
  Q.kindOf = (problem) => String(problem?.type ?? "").split("/").pop();

  const isProblem = (answer) => (answer.headers.get("Content-Type") ?? "").startsWith("application/problem+json");

  class Outbox extends EventTarget {
    // `state`: ok, offline, busy, signed-out, locked, other
    constructor(person, api) {
      super();
      this.person = person;
      this.api = api;
      this.state = "ok";
      this.ids = new Map(); // token -> the label's id, as the server named it
      this.store = new Q.Store(person);
      this.wait = SHORTEST_MS;
      this.stuckAt = new Map(); // capture -> when what is stuck about it was tried last
      window.addEventListener("online", () => this.now());
      window.addEventListener("storage", (event) => Q.Store.isOut(event.key, person) && this.tell("change"));
      window.addEventListener("beforeunload", (event) => this.store.isAtRisk && event.preventDefault());
      document.addEventListener("visibilitychange", () => document.hidden || this.now());
    }

    get entries() {
      return this.store.entries;
    }

    get refused() {
      return this.store.refused;
    }

    // Those that the server broke over, again and again.
    get stuck() {
      return this.entries.filter((one) => one.fails >= STUCK);
    }

    write(entries) {
      this.store.entries = entries;
      this.tell("change");
    }

    change(token, changed) {
      this.write(this.entries.map((one) => (one.token === token ? { ...one, ...changed } : one)));
    }

    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    put(entry) {
      this.write([...this.entries, { at: new Date().toISOString(), person: this.person, ...entry }]);
      this.soon(0);
    }

    // True if the server cannot have heard of it: then there is nothing to take back there. One that was tried may have
    // arrived though its answer was lost. A skip may be tried twice, so it need not be sent again to be taken back.
    withdraw(token) {
      const found = this.entries.find((one) => one.token === token);
      if (!found || this.sending === token || (found.tried && found.kind !== "skip")) return false;
      this.drop(token);
      return true;
    }

    drop(token) {
      this.write(this.entries.filter((one) => one.token !== token));
    }

    // --- sending ---------------------------------------------------------------------------------------------

    soon(ms) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.run(), ms);
    }

    now() {
      this.wait = SHORTEST_MS;
      if (this.entries.length) this.soon(0);
    }

    async run() {
      if (this.running) return;
      this.running = true;
      clearTimeout(this.timer);
      try {
        for (let entry = this.next(); entry; entry = this.next()) {
          const state = await this.send(entry);
          this.become(state);
          if (state === "ok") continue;
          if (!this.stuck.some((one) => one.token === entry.token)) break;
          this.stuckAt.set(entry.capture, performance.now());
        }
      } finally {
        this.running = false;
        this.sending = null;
      }
      if (this.entries.length) {
        this.soon(this.wait);
        this.wait = Math.min(this.wait * 2, LONGEST_MS);
      }
    }

    // In order; but what is stuck, and what follows about the same capture, comes last and now and then.
    next() {
      const { entries } = this;
      const stuck = new Set(this.stuck.map((one) => one.capture));
      const isDue = (one) => performance.now() - (this.stuckAt.get(one.capture) ?? -Infinity) > LONGEST_MS;
      return entries.find((one) => !stuck.has(one.capture)) ?? entries.find(isDue);
    }

    become(state) {
      if (state === "ok") this.wait = SHORTEST_MS;
      if (state === this.state) return;
      this.state = state;
      this.tell("state");
      if (state === "locked") document.dispatchEvent(new CustomEvent("selvedge:locked"));
    }

    async send(entry) {
      const request = this.request(entry);
      if (!request) return this.unknown(entry);
      this.sending = entry.token;
      if (!entry.tried) this.change(entry.token, { tried: true });
      let answer, said;
      try {
        answer = await Q.ask(request.url, request.options);
        said = answer.status === 204 ? {} : await answer.json();
      } catch {
        if (!answer || answer.ok) return "offline"; // no network, a torn connection, or a page that came in between
      }
      return this.judge(entry, answer, said ?? {});
    }

    // An undo of which nobody knows what it would take back.
    unknown(entry) {
      this.refuse(entry, 0, "undo-unknown", {});
      return this.strike(entry);
    }

    request(entry) {
      const headers = { "Content-Type": "application/json" };
      const whose = `?person=${encodeURIComponent(entry.person)}`;
      if (entry.kind === "skip") {
        return { url: `${this.api}captures/${entry.capture}/skip/${whose}`, options: { method: "POST" } };
      }
      if (entry.kind === "undo") {
        const id = entry.label_id ?? this.ids.get(entry.of);
        const url = `${this.api}labels/${id}/${whose}`;
        return id && { url, options: { method: "DELETE" } };
      }
      const { label, expected, token, person, took_ms, note } = entry;
      const body = JSON.stringify({ label, expected, token, person, took_ms, ...(note ? { note } : {}) });
      return { url: `${this.api}captures/${entry.capture}/labels/`, options: { method: "POST", headers, body } };
    }

    judge(entry, answer, said) {
      const kind = Q.kindOf(said);
      const { status } = answer;
      if (answer.ok) return this.strike(entry, said);
      if (status === 429 || status >= 500 || status === 408) return this.again(entry, answer);
      if (!isProblem(answer)) return this.again(entry, answer); // not Selvedge: a network's own sign-in, a proxy
      if (status === 401) return kind === "locked" ? "locked" : "signed-out";
      if (kind === "other-person") return "other";
      if (status === 403 && entry.kind !== "undo") return "signed-out"; // the form's key is of an older session
      if (entry.kind !== "skip") this.refuse(entry, status, kind, said);
      return this.strike(entry);
    }

    // Too busy is no fault of the entry; what breaks the server may be.
    again(entry, answer) {
      const { status } = answer;
      const asked = Number(answer.headers.get("Retry-After")) * 1000;
      if (asked > this.wait) this.wait = Math.min(asked, LONGEST_MS);
      if (![408, 429, 503].includes(status)) {
        this.change(entry.token, { fails: (entry.fails ?? 0) + 1 });
        this.tell("cards");
      }
      return status < 500 && ![408, 429].includes(status) ? "offline" : "busy";
    }

    // Struck out, and what would take it back learns what it is called: also where the page is another one by then.
    strike(entry, said) {
      const id = entry.kind === "label" ? said?.id : undefined;
      if (id) {
        this.ids.set(entry.token, id);
        if (this.ids.size > MOST_IDS) this.ids.delete(this.ids.keys().next().value);
      }
      const rest = this.entries.filter((one) => one.token !== entry.token);
      this.write(rest.map((one) => (id && one.kind === "undo" && one.of === entry.token ? { ...one, label_id: id } : one)));
      if (entry.fails) this.tell("cards");
      this.tell("sent", { entry, said });
      return "ok";
    }

    // --- what did not count: kept until somebody has read it ---------------------------------------------------

    refuse(entry, status, kind, said) {
      const { current, by } = said;
      this.write(this.entries.filter((one) => one.of !== entry.token)); // nothing stands that could be taken back
      this.keepRefused([...this.refused, { entry, status, kind, current, by }]);
      this.tell("refused", { entry });
    }

    // Given up by hand.
    letBe(entry) {
      this.write(this.entries.filter((one) => one.token !== entry.token && one.of !== entry.token));
      this.tell("cards");
      this.tell("refused", { entry });
    }

    forget(token) {
      this.keepRefused(this.refused.filter((one) => one.entry.token !== token));
    }

    keepRefused(rows) {
      this.store.refused = rows;
      this.tell("cards");
    }
  }

  Q.Outbox = Outbox;
})();
