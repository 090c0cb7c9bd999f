// Decisions on their way to the server. Each is written down in this browser first, under the name of who made it, and
// struck out only when the server has answered. Sent in order; sent twice they are one, by their token.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const OUT = "selvedge-outbox:";
  const REFUSED = "selvedge-refused:";
  const MOST_IDS = 500;
  const PATIENCE_MS = 15000;
  const SHORTEST_MS = 1000;
  const LONGEST_MS = 30000;

  const read = (name) => {
    try {
      const found = JSON.parse(localStorage.getItem(name));
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  };

  const names = () => {
    try {
      return Object.keys(localStorage);
    } catch {
      return []; // the browser keeps nothing for anybody
    }
  };

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

  class Outbox extends EventTarget {
    // `state`: ok, offline, busy, signed-out, locked, other
    constructor(person, api) {
      super();
      this.person = person;
      this.api = api;
      this.state = "ok";
      this.ids = new Map(); // token -> the label's id, as the server named it
      this.memory = null; // where the browser keeps nothing
      this.wait = SHORTEST_MS;
      window.addEventListener("online", () => this.now());
      window.addEventListener("storage", (event) => event.key === OUT + person && this.tell("change"));
      document.addEventListener("visibilitychange", () => document.hidden || this.now());
    }

    get entries() {
      return this.memory ?? read(OUT + this.person);
    }

    get refused() {
      return read(REFUSED + this.person);
    }

    // Whose decisions wait here beside this person's, and how many.
    others() {
      const found = names().filter((name) => name.startsWith(OUT) && name !== OUT + this.person);
      return found.map((name) => ({ person: name.slice(OUT.length), count: read(name).length })).filter((one) => one.count);
    }

    write(entries) {
      if (this.memory) this.memory = entries;
      else {
        try {
          if (entries.length) localStorage.setItem(OUT + this.person, JSON.stringify(entries));
          else localStorage.removeItem(OUT + this.person);
        } catch {
          this.memory = entries;
        }
      }
      this.tell("change");
    }

    tell(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    put(entry) {
      this.write([...this.entries, { at: new Date().toISOString(), person: this.person, ...entry }]);
      this.soon(0);
    }

    // True if it had not left: then there is nothing to take back on the server.
    withdraw(token) {
      if (this.sending === token) return false;
      const entries = this.entries;
      const rest = entries.filter((one) => one.token !== token);
      if (rest.length === entries.length) return false;
      this.write(rest);
      return true;
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
        for (let entry = this.entries[0]; entry; entry = this.entries[0]) {
          const state = await this.send(entry);
          this.become(state);
          if (state !== "ok") break;
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

    become(state) {
      if (state === "ok") this.wait = SHORTEST_MS;
      if (state === this.state) return;
      this.state = state;
      this.tell("state");
      if (state === "locked") document.dispatchEvent(new CustomEvent("selvedge:locked"));
    }

    async send(entry) {
      const request = this.request(entry);
      if (!request) return this.strike(entry); // the decision that it would take back was refused itself
      this.sending = entry.token;
      let answer, said;
      try {
        answer = await Q.ask(request.url, request.options);
        said = answer.status === 204 ? {} : await answer.json();
      } catch {
        // no network, or an answer that is none: a proxy's page, a torn connection
        if (!answer) return "offline";
        if (answer.ok) return "busy";
      }
      return this.judge(entry, answer, said ?? {});
    }

    request(entry) {
      const headers = { "Content-Type": "application/json" };
      if (entry.kind === "skip") return { url: `${this.api}captures/${entry.capture}/skip/`, options: { method: "POST" } };
      if (entry.kind === "undo") {
        const id = entry.label_id ?? this.ids.get(entry.of);
        const url = `${this.api}labels/${id}/?person=${encodeURIComponent(entry.person)}`;
        return id && { url, options: { method: "DELETE" } };
      }
      const { label, expected, token, person, took_ms, note } = entry;
      const body = JSON.stringify({ label, expected, token, person, took_ms, ...(note ? { note } : {}) });
      return { url: `${this.api}captures/${entry.capture}/labels/`, options: { method: "POST", headers, body } };
    }

    judge(entry, answer, said) {
      const kind = Q.kindOf(said);
      if (answer.ok) return this.strike(entry, said);
      if (answer.status === 401) return kind === "locked" ? "locked" : "signed-out";
      if (kind === "other-person") return "other";
      if (answer.status === 429 || answer.status >= 500 || answer.status === 408) {
        const asked = Number(answer.headers.get("Retry-After")) * 1000;
        if (asked > this.wait) this.wait = Math.min(asked, LONGEST_MS);
        return "busy";
      }
      if (answer.status === 403 && entry.kind !== "undo") return "signed-out"; // the form's key is of an older session
      if (entry.kind !== "skip") this.refuse(entry, answer.status, kind, said);
      return this.strike(entry);
    }

    strike(entry, said) {
      if (said?.id && entry.kind === "label") {
        this.ids.set(entry.token, said.id);
        if (this.ids.size > MOST_IDS) this.ids.delete(this.ids.keys().next().value);
      }
      this.write(this.entries.filter((one) => one.token !== entry.token));
      this.tell("sent", { entry, said });
      return "ok";
    }

    // --- what did not count: kept until somebody has read it ---------------------------------------------------

    refuse(entry, status, kind, said) {
      const { current, by, detail } = said;
      this.keepRefused([...this.refused, { entry, status, kind, current, by, detail }]);
      this.tell("refused", { entry });
    }

    forget(token) {
      this.keepRefused(this.refused.filter((one) => one.entry.token !== token));
    }

    keepRefused(rows) {
      try {
        localStorage.setItem(REFUSED + this.person, JSON.stringify(rows.slice(-20)));
      } catch {
        // full: the banner about storage says so
      }
      this.tell("cards");
    }
  }

  Q.Outbox = Outbox;
})();
