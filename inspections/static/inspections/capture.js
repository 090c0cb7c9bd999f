// A label is written down in this browser, under the name of who said it, before it is sent, and struck out when the
// server has answered. It lies where the queue's page keeps its own, so that either of them sends it. Without this file
// the form goes as any form does.
(() => {
  const $ = (id) => document.getElementById(id);
  const keep = window.selvedgeKeep;
  const PATIENCE_MS = 15000;
  const NOTICES = ["decide-lost", "decide-busy", "decide-ended", "decide-other", "decide-refused"];
  const out = (form) => `selvedge-outbox:${form.dataset.person}`;
  const cookie = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  let sending = false;

  // --- what was said of this capture and is not known to have arrived -------------------------------------------

  const isOfThis = (form, one) => one?.kind === "label" && one.capture === form.dataset.capture;
  const kept = (form) => keep.list(out(form)).find((one) => isOfThis(form, one));
  const strike = (form) => keep.keepList(out(form), keep.list(out(form)).filter((one) => !isOfThis(form, one)));

  function put(form, button) {
    const data = new FormData(form);
    strike(form); // said anew
    const entry = {
      kind: "label",
      token: data.get("token"),
      capture: form.dataset.capture,
      label: button.value,
      expected: data.get("expected") || null,
      took_ms: null,
      note: data.get("note"),
      person: form.dataset.person,
      at: new Date().toISOString(),
    };
    keep.keepList(out(form), [...keep.list(out(form)), entry]);
  }

  // --- sending --------------------------------------------------------------------------------------------------

  async function send(form, isOld = false) {
    const entry = kept(form);
    if (!entry || sending) return;
    sending = true;
    form.classList.add("is-sending");
    mark(form, entry.label);
    for (const id of NOTICES) $(id).hidden = true;
    const answer = await post(form.dataset.api, entry);
    sending = false;
    form.classList.remove("is-sending");
    judge(form, entry, answer, isOld);
  }

  // {status, kind}; null without an answer of the server's.
  async function post(url, { label, note, expected, token, person }) {
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": cookie() };
    const body = JSON.stringify({ label, expected, token, person, ...(note ? { note } : {}) });
    try {
      const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE_MS) });
      const said = await answer.json();
      return { ok: answer.ok, status: answer.status, kind: String(said.type ?? "").split("/").pop() };
    } catch {
      return null;
    }
  }

  function judge(form, entry, answer, isOld) {
    if (!answer) return tell("decide-lost");
    if (answer.kind === "other-person") return tell("decide-other");
    if (answer.kind === "locked") return void document.dispatchEvent(new Event("selvedge:locked"));
    if (answer.status === 401 || answer.kind === "not-allowed") return tell("decide-ended");
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return tell("decide-busy");
    if (!answer.ok) return isOld ? again(form, entry) : plainly(form, entry);
    strike(form);
    return location.reload();
  }

  // What stands in the way is told by the page itself, in the reader's language. Who is signed in is known by now, so
  // the form may go with the newest key of the session.
  function plainly(form, entry) {
    form.elements.csrfmiddlewaretoken.value = cookie() || form.elements.csrfmiddlewaretoken.value;
    form.elements.note.value = entry.note ?? "";
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "answer", value: entry.label }));
    form.submit();
  }

  // What an earlier page left here cannot be kept as it was said: it stands in the form, to be decided anew.
  function again(form, entry) {
    strike(form);
    form.elements.note.value ||= entry.note ?? "";
    mark(form, entry.label);
    tell("decide-refused");
  }

  // What was chosen is seen to stand there while it is not known to be kept.
  function mark(form, answer) {
    for (const button of form.querySelectorAll(".decide-class")) {
      const isChosen = button.value === answer;
      button.classList.toggle("is-draft", isChosen);
      if (isChosen) button.setAttribute("aria-pressed", "true");
      else button.removeAttribute("aria-pressed");
    }
  }

  function tell(id) {
    $(id).hidden = false;
    $(id).querySelector("button")?.focus();
  }

  // --- hands, and what comes back by itself -----------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "decide-form" || !event.submitter) return;
    event.preventDefault();
    if (sending) return;
    put(form, event.submitter);
    send(form);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-again]")) send($("decide-form"));
    if (event.target.closest("[data-anew]")) location.reload();
  });
  const goOn = () => $("decide-form") && send($("decide-form"));
  window.addEventListener("online", goOn);
  document.addEventListener("selvedge:unlocked", goOn);

  function start() {
    const form = $("decide-form");
    if (!form) return;
    // What the server objected to stands in the form already.
    if (form.dataset.isDraft === "yes") strike(form);
    else send(form, true);
  }
  document.addEventListener("DOMContentLoaded", start);
})();
