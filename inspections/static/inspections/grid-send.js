// Sending a bulk of labels and taking it back. All of them or none; what could not be sent is kept and says so.
window.selvedgeSend = (() => {
  const pick = window.selvedgePick;
  if (!pick) return null;
  const { grid, words, fill } = pick;
  const { api, person, screen } = grid.dataset;
  const PENDING = "selvedge-grid-pending";
  const DONE = "selvedge-grid-done";
  const MOST_DONE = 20;
  const AT_ONCE = 6;
  let busy = false;
  let tell = () => {};
  let trouble = () => {};
  let changed = () => {};
  const away = new Map(); // label id: its tile, which left the page

  const read = (name) => {
    try {
      const found = JSON.parse(sessionStorage.getItem(name));
      return found?.person === person ? found.value : null;
    } catch {
      return null;
    }
  };
  const keep = (name, value) => sessionStorage.setItem(name, JSON.stringify({ person, value }));
  const forget = (name) => sessionStorage.removeItem(name);
  const csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  const ask = (url, method, body) =>
    fetch(url, {
      method,
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() },
      body: body && JSON.stringify(body),
    });

  // --- labelling ----------------------------------------------------------------------------------------------

  function label(code, name) {
    const chosen = pick.picked();
    if (busy) return undefined;
    if (chosen.length === 0) return tell(words.pick_first);
    const items = chosen.map(({ dataset }) => ({ capture: dataset.capture, expected: dataset.expected || null }));
    keep(PENDING, { name, body: { label: code, items, screen, token: crypto.randomUUID?.() ?? uuid(), person } });
    return send();
  }

  // Without a secure address a browser has no randomUUID: a mill's network has no certificates.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  async function send() {
    const pending = read(PENDING);
    if (!pending || busy) return;
    working(true, words.sending);
    try {
      await answered(pending, await ask(api, "POST", pending.body));
    } catch {
      trouble(say(words.lost, pending), ["retry", "drop"]);
    }
    working(false);
  }

  const say = (text, pending) => fill(text, { label: pending.name, n: pending.body.items.length });

  function working(on, text) {
    busy = on;
    grid.setAttribute("aria-busy", String(on));
    if (on) {
      trouble("");
      tell(text);
    }
    changed();
  }

  async function answered(pending, answer) {
    if (answer.status >= 500 || answer.status === 429) return trouble(say(words.lost, pending), ["retry", "drop"]);
    const said = await answer.json();
    if (answer.ok) return done(pending, said.labels);
    const kind = said.type?.split("/").pop();
    if (answer.status === 401) return ended(pending, kind);
    forget(PENDING);
    if (kind === "conflicts") return conflicts(pending, said.conflicts);
    const known = { "other-person": "other", "not-on-screen": "old", "not-found": "gone", "class-retired": "retired" };
    return trouble(fill(words[known[kind] ?? "refused"], { detail: said.detail ?? "" }), ["reload"]);
  }

  function ended(pending, kind) {
    if (kind === "locked") document.dispatchEvent(new Event("selvedge:locked"));
    trouble(say(words.ended, pending), kind === "locked" ? ["retry", "drop"] : ["sign-in", "retry", "drop"]);
  }

  function done(pending, labels) {
    forget(PENDING);
    const ids = labels.map((one) => one.id);
    keep(DONE, [...(read(DONE) ?? []), { name: pending.name, ids }].slice(-MOST_DONE));
    const leaving = labels.map((one) => [one.id, document.getElementById(`t-${one.capture}`)]).filter(([, tile]) => tile);
    for (const [id, tile] of leaving) away.set(id, tile);
    leave(leaving.map(([, tile]) => tile));
    tell(fill(words.done, { label: pending.name, n: ids.length }));
  }

  function leave(leaving) {
    const all = pick.tiles();
    const gone = new Set(leaving);
    const last = Math.max(...leaving.map((tile) => all.indexOf(tile)));
    const next = all.slice(last + 1).find((tile) => !gone.has(tile)) ?? all.findLast((tile) => !gone.has(tile));
    pick.drop(leaving);
    const held = grid.contains(document.activeElement) || document.activeElement === document.body;
    for (const tile of leaving) tile.remove();
    if (next && held) pick.focus(next);
    through();
  }

  function through() {
    document.getElementById("grid-through").hidden = pick.tiles().length > 0;
    pick.look();
    changed();
  }

  function conflicts(pending, rows) {
    const taken = rows.map((row) => [document.getElementById(`t-${row.capture}`), row]).filter(([tile]) => tile);
    for (const [tile, row] of taken) mark(tile, row);
    pick.drop(taken.map(([tile]) => tile));
    const rest = pick.picked().length;
    trouble(fill(rest ? words.conflicts : words.conflicts_all, { n: rows.length, rest }));
  }

  function mark(tile, { reason, by }) {
    const text = reason === "held" ? words.held : by ? words.changed : words.was_undone;
    tile.classList.add("is-taken");
    tile.querySelector(".tile-box").setAttribute("aria-disabled", "true");
    tile.querySelector(".tile-why").hidden = false;
    tile.querySelector(".tile-why-words").textContent = fill(text, { who: by ?? "" });
  }

  // --- taking back --------------------------------------------------------------------------------------------

  async function undo() {
    const stack = read(DONE) ?? [];
    const bulk = stack.pop();
    if (busy) return;
    if (!bulk) return void tell(words.nothing_to_undo);
    working(true, words.undoing);
    const outcomes = await each(bulk.ids, takeBack);
    const left = bulk.ids.filter((_id, place) => outcomes[place] === "lost" || outcomes[place] === "ended");
    keep(DONE, left.length ? [...stack, { ...bulk, ids: left }] : stack);
    working(false);
    tookBack(bulk, outcomes, left);
  }

  function tookBack(bulk, outcomes, left) {
    const back = bulk.ids.filter((_id, place) => outcomes[place] === "back");
    const refused = outcomes.filter((one) => one === "refused").length;
    tell(fill(words.undone, { n: back.length }));
    if (left.length) trouble(fill(words.lost_undo, { n: left.length }), ["undo"]);
    else if (refused) trouble(fill(words.refused_undo, { n: refused }), ["reload"]);
    if (back.some((id) => !away.has(id))) return location.reload(); // of an earlier page
    return comeBack(back.map((id) => away.get(id)));
  }

  // As many at once as a browser sends anyway, in the order of the page.
  async function each(ids, work) {
    const found = new Array(ids.length);
    let next = 0;
    const worker = async () => {
      while (next < ids.length) {
        const place = next++;
        found[place] = await work(ids[place]);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, worker));
    return found;
  }

  async function takeBack(id) {
    try {
      const answer = await ask(`${api}${id}/`, "DELETE");
      if (answer.ok) return "back";
      if (answer.status === 401) document.dispatchEvent(new Event("selvedge:locked"));
      return answer.status === 401 || answer.status >= 500 ? "ended" : "refused";
    } catch {
      return "lost";
    }
  }

  function comeBack(tiles) {
    for (const tile of tiles) {
      const after = pick.tiles().find((other) => Number(other.dataset.place) > Number(tile.dataset.place));
      grid.insertBefore(tile, after ?? null);
    }
    pick.pick(tiles);
    if (tiles[0]) pick.focus(tiles[0]);
    through();
  }

  function start() {
    const pending = read(PENDING);
    if (pending) trouble(say(words.kept, pending), ["retry", "drop"]);
  }

  return {
    label, undo, send, start,
    drop: () => (forget(PENDING), trouble("")),
    isBusy: () => busy,
    hasPending: () => Boolean(read(PENDING)),
    done: () => (read(DONE) ?? []).length,
    hear: (onTell, onTrouble, onChange) => ([tell, trouble, changed] = [onTell, onTrouble, onChange]),
  };
})();
