// What was decided in this session, in order: to look back at, and to undo, any number of steps, also after a reload.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const MOST = 300;
  const WITH_WORDS = 60; // the latest are kept whole, so that going back needs no network

  class Trail {
    constructor(person) {
      this.name = `selvedge-trail:${person}`;
      this.rows = this.read(); // { capture, kind, label, token, expected, id, item }
    }

    read() {
      try {
        const found = JSON.parse(sessionStorage.getItem(this.name));
        return Array.isArray(found) ? found : [];
      } catch {
        return [];
      }
    }

    save() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.write(), 50);
    }

    write() {
      const rows = this.rows.map(({ item, now, ...rest }) => rest);
      try {
        sessionStorage.setItem(this.name, JSON.stringify(rows));
      } catch {
        // looking back then ends with the page
      }
    }

    get length() {
      return this.rows.length;
    }

    get last() {
      return this.rows.at(-1);
    }

    push(row) {
      this.rows.push(row);
      if (this.rows.length > MOST) this.rows.shift();
      const old = this.rows.at(-1 - WITH_WORDS);
      if (old) for (const name of ["item", "now"]) delete old[name];
      this.save();
    }

    remove(row) {
      this.rows = this.rows.filter((one) => one !== row);
      this.save();
    }

    of(token) {
      return this.rows.find((one) => one.token === token);
    }
  }

  Q.Trail = Trail;
})();
