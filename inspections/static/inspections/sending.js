// A form is sent once, and only where Selvedge is there to take it: it is asked first. Without an answer the page stays,
// with all that was written on it. What another script sends itself was prevented before it comes here, to the window,
// and is left alone. Without this file a form goes as any form does.
(() => {
  const PATIENCE_MS = 10000; // until no answer is an answer
  const LONGEST_MS = 30000; // then it was stopped by hand, for the page still stands: it may be sent again
  const AGAIN_MS = 3000;
  const TOKEN = "csrfmiddlewaretoken";
  const $ = (id) => document.getElementById(id);
  const cookie = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  let sent = null; // {form, button}: on its way
  let kept = null; // {form, button, where, kind}: not sent, and why
  let passing = null; // the form that may go now
  let waiting, asking;

  // --- what is sent ---------------------------------------------------------------------------------------------

  const said = (form, button, name) => button?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
  const where = (form, button) => said(form, button, "action");
  const isThere = ({ form, button }) => form.isConnected && (!button || button.form === form);

  // All of it but the token, which is another one each time that a page is drawn: a page that is drawn anew while the
  // server is asked must not send what nobody pressed.
  function written({ form, button }) {
    const fields = [...new FormData(form, button)].filter(([name]) => name !== TOKEN);
    return JSON.stringify([where(form, button), fields.map(([name, value]) => [name, value.name ?? value])]);
  }

  function isTouched(field) {
    if (field.type === "hidden") return false;
    if (field.options) return [...field.options].some((one) => one.selected !== one.defaultSelected);
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.defaultValue !== undefined && field.value !== field.defaultValue;
  }

  // --- who is there ---------------------------------------------------------------------------------------------

  async function standing() {
    const { state, who } = $("unsent").dataset;
    const options = { headers: { Accept: "application/json" }, cache: "no-store" };
    try {
      const answer = await fetch(state, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status === 401) return "ended";
      if (!answer.ok) return "away";
      const { locked, person } = await answer.json();
      if (person !== who) return "other";
      return locked ? "locked" : "here";
    } catch {
      return "away";
    }
  }

  // A door is open to everybody. Who wrote nothing loses nothing where the server asks for the password.
  function mayGo(form, found) {
    if (found === "away") return false;
    if (form.hasAttribute("data-door")) return true;
    if (found === "ended") return ![...form.elements].some(isTouched);
    return found === "here" || (found === "locked" && !$("lock"));
  }

  // --- sending --------------------------------------------------------------------------------------------------

  async function send(form, button) {
    const mine = { form, button };
    const was = written(mine);
    sent = mine;
    kept = null;
    tell(null);
    busy(true);
    const found = await standing();
    if (sent !== mine) return; // the page was left, and came back
    if (!mayGo(form, found)) keep(found);
    else if (!isThere(mine) || written(mine) !== was) keep("changed");
    else go(mine);
  }

  function go({ form, button }) {
    const token = form.elements[TOKEN];
    if (token && cookie()) token.value = cookie(); // one may have signed in again since the page was drawn
    passing = form;
    form.requestSubmit(button);
    if (passing) release(); // another script, or the browser, held it back
    else waiting = setTimeout(release, LONGEST_MS);
  }

  function release() {
    clearTimeout(waiting);
    if (sent) busy(false);
    sent = passing = null;
  }

  function busy(on) {
    for (const one of [sent.form, sent.button]) {
      if (on) one?.setAttribute("aria-busy", "true");
      else one?.removeAttribute("aria-busy");
    }
  }

  // --- what could not be sent -----------------------------------------------------------------------------------

  function keep(kind) {
    kept = { ...sent, where: where(sent.form, sent.button), kind };
    release();
    if (kind === "locked") document.dispatchEvent(new Event("selvedge:locked"));
    else tell(kind);
  }

  function tell(kind) {
    clearTimeout(asking);
    for (const words of $("unsent").querySelectorAll("[data-kind]")) words.hidden = words.dataset.kind !== kind;
    $("unsent").hidden = kind === null;
    if (kind === "away") asking = setTimeout(ask, AGAIN_MS);
  }

  async function ask() {
    if (sent || kept?.kind !== "away") return;
    const found = await standing();
    if (!sent && kept?.kind === "away") tell(found === "away" ? "away" : "back");
  }

  function again() {
    if (sent || !kept) return;
    if (isThere(kept) && where(kept.form, kept.button) === kept.where) kept.form.requestSubmit(kept.button);
    else tell("changed");
  }

  // --- hands ----------------------------------------------------------------------------------------------------

  window.addEventListener("submit", (event) => {
    const { target: form, submitter: button } = event;
    if (event.defaultPrevented || said(form, button, "method").toLowerCase() !== "post") return;
    if (form.hasAttribute("data-leaves")) return; // whoever goes is not held back, and has written nothing
    if (passing === form) {
      passing = null;
      return;
    }
    event.preventDefault();
    if (!sent) send(form, button);
  });
  document.addEventListener("DOMContentLoaded", () => $("unsent-again").addEventListener("click", again));
  document.addEventListener("selvedge:unlocked", () => kept?.kind === "locked" && again());
  window.addEventListener("online", ask);
  window.addEventListener("pageshow", (event) => event.persisted && release());
})();
