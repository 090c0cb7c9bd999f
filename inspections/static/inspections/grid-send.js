// Sending a bulk of labels and taking it back. All of them or none; what could not be sent is written down in this
// browser under the name of who pressed the key, and goes out in order, before anything newer.
window.selvedgeSend = (() => {
  const pick = window.selvedgePick;
  if (!pick) return null;
  const keep = window.selvedgeKeep;
  const { grid, words, fill } = pick;
  const { api, person, screen } = grid.dataset;
  const PENDING = `selvedge-grid-pending:${person}`; // [{name, body}], oldest first
  const DONE = `selvedge-grid-done:${person}`; // of this tab: [{name, ids}]
  const MOST_DONE = 20;
  const AT_ONCE = 6;
  const PATIENCE_MS = 15000;
  let busy = false;
  let tell = () => {};
  let trouble = () => {};
  let changed = () => {};
  const away = new Map(); // label id: its tile, which left the page

  const waiting = () => keep.list(PENDING).filter((one) => one?.body?.person === person);
  const strike = (bulk) => keep.keepList(PENDING, waiting().filter((one) => one.body.token !== bulk.body.token));
  const done = () => keep.list(DONE, "sessionStorage");
  const keepDone = (bulks) => keep.keepList(DONE, bulks.slice(-MOST_DONE), "sessionStorage");
  const csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  // {status, kind, said}; null without an answer of the server's.
  async function ask(url, method, body) {
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf() };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      const answer = await fetch(url, { method, headers, signal, body: body && JSON.stringify(body) });
      const said = await answer.json();
      return { ok: answer.ok, status: answer.status, kind: String(said.type ?? "").split("/").pop(), said };
    } catch {
      return null;
    }
  }

  // What stands in the way of every bulk alike, and passes; empty where the server has judged this one.
  function hindrance(answer) {
    if (!answer) return "lost";
    if (answer.ok) return "";
    if (answer.status === 401) return answer.kind === "locked" ? "locked" : "ended";
    if (answer.kind === "other-person") return "other";
    if (answer.kind === "not-allowed") return "ended"; // the page's key is of an older session
    return answer.status >= 500 || answer.status === 429 || answer.status === 408 ? "busy" : "";
  }

  // --- labelling ----------------------------------------------------------------------------------------------

  function label(code, name) {
    const chosen = pick.picked();
    if (busy) return tell(words.sending);
    if (chosen.length === 0) return tell(words.pick_first);
    const before = new Set(waiting().flatMap((one) => one.body.items.map((item) => item.capture)));
    if (chosen.some(({ dataset }) => before.has(dataset.capture))) return send(words.first);
    const items = chosen.map(({ dataset }) => ({ capture: dataset.capture, expected: dataset.expected || null }));
    const bulk = { name, body: { label: code, items, screen, token: uuid(), person } };
    keep.keepList(PENDING, [...waiting(), bulk]);
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

  async function send(first = "") {
    if (busy || waiting().length === 0) return;
    working(true, words.sending);
    const troubles = first ? [first] : [];
    const ways = new Set();
    for (let bulk = waiting()[0]; bulk; bulk = waiting()[0]) {
      const answer = await ask(api, "POST", bulk.body);
      const why = hindrance(answer);
      const found = why ? stopped(why) : judged(bulk, answer);
      if (found.text) troubles.push(found.text);
      for (const way of found.ways ?? []) ways.add(way);
      if (why) break;
    }
    working(false);
    if (troubles.length > (first ? 1 : 0)) trouble(troubles.join(" "), [...ways]);
  }

  function working(on, text) {
    busy = on;
    grid.setAttribute("aria-busy", String(on));
    if (on) {
      trouble("");
      tell(text);
    }
    changed();
  }

  // All that waits, in one sentence.
  function say(text) {
    const bulks = waiting();
    const label = [...new Set(bulks.map((one) => one.name))].join(", ");
    return fill(text, { label, n: bulks.reduce((sum, one) => sum + one.body.items.length, 0) });
  }

  function stopped(why) {
    if (why === "locked") document.dispatchEvent(new Event("selvedge:locked"));
    const text = say({ lost: words.lost, busy: words.busy, other: words.other }[why] ?? words.ended);
    const ways = { ended: ["sign-in", "retry", "drop"], other: ["reload"] };
    return { text, ways: ways[why] ?? ["retry", "drop"] };
  }

  // The server has said yes or no: this bulk waits no more.
  function judged(bulk, { ok, kind, said }) {
    strike(bulk);
    if (ok) return labelled(bulk, said.labels);
    if (kind === "conflicts") return { text: conflicts(said.conflicts) };
    const known = { "not-on-screen": "old", "not-found": "gone", "class-retired": "retired", "class-unknown": "retired" };
    return { text: words[known[kind] ?? "refused"], ways: ["reload"] };
  }

  function labelled(bulk, labels) {
    const ids = labels.map((one) => one.id);
    keepDone([...done(), { name: bulk.name, ids }]);
    const leaving = labels.map((one) => [one.id, document.getElementById(`t-${one.capture}`)]).filter(([, tile]) => tile);
    for (const [id, tile] of leaving) away.set(id, tile);
    if (leaving.length) leave(leaving.map(([, tile]) => tile));
    tell(fill(words.done, { label: bulk.name, n: ids.length }));
    return {};
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

  function conflicts(rows) {
    const taken = rows.map((row) => [document.getElementById(`t-${row.capture}`), row]).filter(([tile]) => tile);
    for (const [tile, row] of taken) mark(tile, row);
    pick.drop(taken.map(([tile]) => tile));
    const rest = pick.picked().length;
    return fill(rest ? words.conflicts : words.conflicts_all, { n: rows.length, rest });
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
    const stack = done();
    const bulk = stack.pop();
    if (busy) return;
    if (!bulk) return void tell(words.nothing_to_undo);
    working(true, words.undoing);
    const outcomes = await each(bulk.ids, takeBack);
    const left = bulk.ids.filter((_id, place) => !["back", "refused"].includes(outcomes[place]));
    keepDone(left.length ? [...stack, { ...bulk, ids: left }] : stack);
    working(false);
    tookBack(bulk, outcomes, left);
  }

  function tookBack(bulk, outcomes, left) {
    const back = bulk.ids.filter((_id, place) => outcomes[place] === "back");
    const refused = outcomes.filter((one) => one === "refused").length;
    tell(fill(words.undone, { n: back.length }));
    if (left.length) notAll(left.length, new Set(outcomes));
    else if (refused) trouble(fill(words.refused_undo, { n: refused }), ["reload"]);
    if (!left.length && back.some((id) => !away.has(id))) return location.reload(); // of an earlier page
    return comeBack(back.map((id) => away.get(id)).filter(Boolean));
  }

  function notAll(n, whys) {
    const why = ["locked", "ended", "other", "busy", "lost"].find((one) => whys.has(one));
    if (why === "locked") document.dispatchEvent(new Event("selvedge:locked"));
    const text = { locked: words.ended_undo, ended: words.ended_undo, other: words.other_undo, busy: words.busy_undo };
    const ways = { ended: ["sign-in", "undo"], other: ["reload"] };
    trouble(fill(text[why] ?? words.lost_undo, { n }), ways[why] ?? ["undo"]);
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
    const answer = await ask(`${api}${id}/?person=${encodeURIComponent(person)}`, "DELETE");
    return hindrance(answer) || (answer.ok ? "back" : "refused");
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

  // What an earlier page of this person's left here.
  function start() {
    if (waiting().length) trouble(say(words.kept), ["retry", "drop"]);
  }

  return {
    label, undo, start,
    send: () => send(),
    drop: () => (keep.drop(PENDING), trouble("")),
    isBusy: () => busy,
    hasPending: () => waiting().length > 0,
    done: () => done().length,
    hear: (onTell, onTrouble, onChange) => ([tell, trouble, changed] = [onTell, onTrouble, onChange]),
  };
})();
