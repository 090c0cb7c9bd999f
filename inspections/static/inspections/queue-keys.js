// Keys: which one does what, silent where somebody types, and the sheet that shows and changes them.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const TYPES = "input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit]), select, textarea, [contenteditable]";
  const PRESSED_BY = { Space: "button, summary, [type=checkbox], [type=radio]", Enter: "button, a[href], summary" };
  const MOVED_BY_ARROWS = "[type=range], [type=radio]";
  const ARROWS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

  // As it stands in the table: small letters, keys with a name by their name.
  const nameOf = (key) => (key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key);

  // What the same place says on a Latin keyboard, for those who write in another script, or have signs where others have digits.
  const placeOf = (code) => code.match(/^(?:Key|Digit)(.)$/)?.[1].toLowerCase();

  class Keys {
    constructor({ keys, off }, does, words) {
      this.does = does;
      this.words = words;
      this.learn({ keys, off });
      document.addEventListener("keydown", (event) => this.pressed(event));
    }

    learn({ keys, off }) {
      this.keys = keys;
      this.off = off;
      this.actions = new Map(Object.entries(keys).flatMap(([action, all]) => all.map((key) => [key, action])));
      this.print();
    }

    shown(key) {
      return this.words[key] ?? ARROWS[key] ?? (key.length === 1 ? key.toUpperCase() : key);
    }

    // Writes the keys onto the buttons.
    print() {
      for (const place of document.querySelectorAll("kbd[data-key]")) {
        const key = this.keys[place.dataset.key]?.[0];
        place.textContent = key && !this.off ? this.shown(key) : "";
        place.hidden = !place.textContent;
        place.setAttribute("aria-hidden", "true");
        const button = place.closest("button, a");
        if (button && key) button.setAttribute("aria-keyshortcuts", key);
        if (button && this.off) button.removeAttribute("aria-keyshortcuts");
      }
      for (const place of document.querySelectorAll("kbd[data-name]")) place.textContent = this.shown(place.dataset.name);
    }

    actionOf(event) {
      if (event.altKey) return undefined;
      if (event.ctrlKey || event.metaKey) {
        const isZ = nameOf(event.key) === "z" || (!/^[\x20-\x7e]$/.test(event.key) && event.code === "KeyZ");
        return isZ && !event.shiftKey ? this.actions.get("Ctrl+z") : undefined;
      }
      const place = placeOf(event.code);
      const isForeign = !/^[\x20-\x7e]$/.test(event.key) || (event.code.startsWith("Digit") && !event.shiftKey);
      return this.actions.get(nameOf(event.key)) ?? (place && isForeign ? this.actions.get(place) : undefined);
    }

    pressed(event) {
      const { target } = event;
      if (event.defaultPrevented || event.isComposing || !(target instanceof Element)) return;
      if (event.repeat && target.closest("[data-do]")) event.preventDefault(); // a button held down decides once
      if (this.off || target.closest(TYPES)) return;
      const action = this.actionOf(event);
      if (!action || action === "close") return; // Escape closes dialogs by itself
      if (target.closest(PRESSED_BY[nameOf(event.key)] ?? ":not(*)")) return;
      if (event.key.startsWith("Arrow") && target.closest(MOVED_BY_ARROWS)) return;
      if (document.querySelector("dialog[open]") && !document.querySelector(`dialog[open][data-action="${action}"]`)) return;
      event.preventDefault();
      if (!event.repeat) this.does(action, event);
    }
  }

  // --- the sheet ---------------------------------------------------------------------------------------------------

  class Sheet {
    constructor(form, keys, url, words) {
      Object.assign(this, { form, keys, url, words });
      form.addEventListener("keydown", (event) => this.choose(event));
      form.addEventListener("submit", (event) => this.submit(event));
      form.elements.keys_off.addEventListener("change", () => this.keep());
      for (const field of this.fields) {
        field.addEventListener("focus", () => field.select());
        field.setAttribute("inputmode", "none");
      }
    }

    get fields() {
      return [...this.form.querySelectorAll("input[name^=key-]")];
    }

    // In a field of the sheet a key is not written but taken as it is.
    choose(event) {
      const field = event.target;
      if (!this.fields.includes(field) || ["Tab", "Escape", "Shift"].includes(event.key)) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      field.value = nameOf(event.key);
      this.keep();
    }

    submit(event) {
      event.preventDefault();
      if (event.submitter?.name === "usual") for (const field of this.fields) field.value = field.dataset.usual;
      if (event.submitter?.name === "usual") this.form.elements.keys_off.checked = false;
      this.keep();
    }

    async keep() {
      const keys = Object.fromEntries(this.fields.map((field) => [field.name.slice(4), field.value]));
      const body = JSON.stringify({ keys, keys_off: this.form.elements.keys_off.checked });
      const turn = (this.turn = (this.turn ?? 0) + 1);
      try {
        const answer = await Q.ask(this.url, { method: "POST", headers: { "Content-Type": "application/json" }, body });
        const said = await answer.json();
        if (turn !== this.turn) return; // a later change is on its way
        if (answer.ok) this.keys.learn(said);
        this.tell(answer.ok ? "keysKept" : said.errors ? "keysNot" : "keysFailed", said.errors ?? {});
      } catch {
        this.tell("keysFailed", {});
      }
    }

    tell(words, errors) {
      document.getElementById("q-keys-said").textContent = this.words[words];
      for (const field of this.fields) {
        const wrong = document.getElementById(field.id.replace("key-", "wrong-"));
        wrong.textContent = errors[field.name.slice(4)] ?? "";
        wrong.hidden = !wrong.textContent;
        if (wrong.textContent) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
        field.setAttribute("aria-describedby", wrong.id);
      }
    }
  }

  Object.assign(Q, { Keys, Sheet });
})();
