// What a browser keeps of decisions: under the name of who made them, and in memory alone where it keeps nothing.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const OUT = "selvedge-outbox:";
  const REFUSED = "selvedge-refused:";
  const MOST_CARDS = 20;
  const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

  const isId = (text) => typeof text === "string" && ID.test(text);
  const NEEDS = {
    label: (one) => typeof one.label === "string" && one.label !== "",
    skip: () => true,
    undo: (one) => isId(one.of) || isId(one.label_id),
  };

  // What another version, or a hand, left there and nothing can be made of would be sent for ever.
  const isEntry = (one) =>
    Boolean(one) && isId(one.token) && isId(one.capture) && Object.hasOwn(NEEDS, one.kind) && NEEDS[one.kind](one);

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

  class Store {
    constructor(person) {
      this.person = person;
      this.memory = new Map(); // name -> rows that the browser would not take
      this.isShut = false;
    }

    static isOut(name, person) {
      return name === OUT + person;
    }

    rows(name) {
      return this.memory.get(name) ?? read(name);
    }

    keep(name, rows) {
      try {
        if (rows.length) localStorage.setItem(name, JSON.stringify(rows));
        else localStorage.removeItem(name);
        this.memory.delete(name);
        if (rows.length) this.isShut = false;
      } catch {
        this.memory.set(name, rows);
        this.isShut = true;
      }
    }

    get entries() {
      const mine = this.rows(OUT + this.person).filter(isEntry);
      return mine.map((one) => ({ ...one, person: this.person }));
    }

    set entries(rows) {
      this.keep(OUT + this.person, rows);
    }

    get refused() {
      return this.rows(REFUSED + this.person).filter((one) => isEntry(one?.entry));
    }

    set refused(rows) {
      this.keep(REFUSED + this.person, rows.slice(-MOST_CARDS));
    }

    // True if closing the page now would lose a decision.
    get isAtRisk() {
      return Boolean(this.memory.get(OUT + this.person)?.length);
    }

    // Whose decisions wait here beside this person's, and how many.
    others() {
      const found = names().filter((name) => name.startsWith(OUT) && name !== OUT + this.person);
      const counted = found.map((name) => ({ person: name.slice(OUT.length), count: read(name).filter(isEntry).length }));
      return counted.filter((one) => one.count);
    }
  }

  Q.Store = Store;
})();
