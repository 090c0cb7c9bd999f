// A shared terminal: it tells the server that a hand is on it, warns before it locks, and asks for the password.
// The server judges; nothing here decides. Other scripts say `selvedge:locked` to the document when an answer told
// them so (401, problem kind `locked`), and go on at `selvedge:unlocked`.
(() => {
  const $ = (id) => document.getElementById(id);
  const lock = $("lock");
  if (!lock) return;
  const acts = lock.dataset.acts === "yes";
  const who = lock.dataset.username;
  const keep = window.selvedgeKeep;
  const MOST_PEOPLE = 6;
  const SHORTEST_MS = 1000; // between two pings, whatever happens
  let total = Number(lock.dataset.locksIn ?? Infinity); // a page's loading was a hand, so this is about all of it
  let locked = total <= 0; // a page that only shows stays open while it is locked
  let deadline = performance.now() + total * 1000;
  let pinged = performance.now();
  let checking, counting, trailing;

  const warnMs = () => Math.min(30, total / 4) * 1000;
  const pingMs = () => Math.max(SHORTEST_MS, Math.min(60, total / 4) * 1000);
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  const ask = (url, options = {}) =>
    fetch(url, { ...options, headers: { Accept: "application/json", "X-CSRFToken": token(), ...options.headers } });

  // --- who has used this terminal, for a quick change ---------------------------------------------------------

  function remember() {
    const others = keep.list("selvedge-people").filter((one) => one?.username !== who);
    const all = [{ username: who, name: lock.dataset.name }, ...others].slice(0, MOST_PEOPLE);
    keep.keepList("selvedge-people", all);
    keep.write("selvedge-who", who);
  }

  // --- a hand -------------------------------------------------------------------------------------------------

  async function ping() {
    pinged = performance.now();
    try {
      await learn(await ask(lock.dataset.state, { method: "POST" }));
    } catch {
      // without the server nothing can be said; the next hand tries again
    }
  }

  function hand(event) {
    if (!event.isTrusted || lock.open || locked || total === Infinity) return;
    const wait = pinged + ($("lock-soon").hidden ? pingMs() : SHORTEST_MS) - performance.now();
    clearTimeout(trailing);
    if (wait <= 0) ping();
    else trailing = setTimeout(ping, wait);
  }

  // --- what the server says -----------------------------------------------------------------------------------

  async function learn(answer) {
    if (answer.status === 401 && (await answer.clone().json()).type?.endsWith("/locked")) return rest();
    if (!answer.ok) return;
    const said = await answer.json();
    if (said.person !== who) return location.reload(); // another tab changed the user: this page has the wrong name
    if (said.locked) return rest();
    locked = false;
    total = Math.max(total, said.locks_in ?? Infinity);
    deadline = said.locks_in === null ? Infinity : performance.now() + said.locks_in * 1000;
    if (lock.open) hide();
    watch();
  }

  // Locked: a page that acts asks for the password, one that shows goes on showing. No hand counts any more.
  function rest(asks = acts) {
    locked = true;
    clearTimeout(trailing);
    if (asks) show();
  }

  async function check() {
    try {
      await learn(await ask(lock.dataset.state));
    } catch {
      later(5000);
    }
  }

  function later(wait) {
    clearTimeout(checking);
    checking = setTimeout(check, wait);
  }

  function watch() {
    const left = deadline - performance.now();
    if (!acts || left === Infinity) return;
    const warns = left <= warnMs() + 100;
    warn(warns);
    later(Math.max(200, warns ? left + 100 : left - warnMs()));
  }

  function warn(on) {
    $("lock-soon").hidden = !on;
    clearInterval(counting);
    if (on) counting = setInterval(count, 500);
    if (on) count();
  }

  function count() {
    $("lock-left").textContent = `${Math.max(0, Math.ceil((deadline - performance.now()) / 1000))} s`;
  }

  // --- locked -------------------------------------------------------------------------------------------------

  function show() {
    if (lock.open) return;
    clearTimeout(checking);
    warn(false);
    lock.showModal();
    $("lock-password").focus();
  }

  function hide() {
    $("lock-password").value = "";
    $("lock-wrong").hidden = true;
    lock.close();
    document.dispatchEvent(new CustomEvent("selvedge:unlocked"));
  }

  function wrong(words) {
    $("lock-wrong-words").textContent = words;
    $("lock-wrong").hidden = false;
    $("lock-password").select();
  }

  async function unlock(event) {
    event.preventDefault();
    const words = $("lock-wrong-words").dataset;
    const sent = new URLSearchParams(new FormData($("lock-form")));
    sent.delete("csrfmiddlewaretoken"); // the page may be older than the token; the header has the newest
    try {
      const answer = await ask($("lock-form").action, { method: "POST", body: sent });
      if (answer.ok) {
        keep.write("selvedge-unlocked", String(Date.now()));
        await learn(answer);
      } else if (answer.status === 429) wrong(words.many);
      else if (answer.status === 400) wrong((await answer.json()).detail);
      else wrong(words.ended);
    } catch {
      wrong(words.away);
    }
  }

  // While it is locked no key reaches the page: what is typed is a password, not an answer.
  function guard(event) {
    if (!lock.open) return;
    event.stopImmediatePropagation();
    if (event.key === "Escape" || !lock.contains(event.target)) event.preventDefault();
  }

  lock.addEventListener("cancel", (event) => event.preventDefault());
  $("lock-form").addEventListener("submit", unlock);
  for (const kind of ["keydown", "keyup", "keypress"]) window.addEventListener(kind, guard, true);
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
    window.addEventListener(kind, hand, { capture: true, passive: true });
  document.addEventListener("selvedge:locked", () => rest(true));
  document.addEventListener("visibilitychange", () => document.hidden || total === Infinity || check());
  window.addEventListener("storage", (event) => {
    if (event.key === "selvedge-who" && event.newValue && event.newValue !== who) location.reload();
    if (event.key === "selvedge-unlocked") check();
  });
  remember();
  watch();
})();
