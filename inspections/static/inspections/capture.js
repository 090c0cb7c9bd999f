// A label that cannot be sent stays on the page. Without this file the form goes as any form does.
(() => {
  const $ = (id) => document.getElementById(id);
  let kept = null; // what was said and not yet kept
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  function said(form, button) {
    const data = new FormData(form);
    return {
      label: button.value,
      note: data.get("note"),
      expected: data.get("expected") || null,
      token: data.get("token"),
      person: form.dataset.person,
    };
  }

  async function send(form) {
    form.classList.add("is-sending");
    for (const id of ["decide-lost", "decide-ended"]) $(id).hidden = true;
    try {
      await answered(form, await post(form.dataset.api));
    } catch {
      tell("decide-lost");
    }
    form.classList.remove("is-sending");
  }

  const post = (url) =>
    fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() },
      body: JSON.stringify(kept),
    });

  async function answered(form, answer) {
    if (answer.ok) return location.reload();
    if (answer.status >= 500) return tell("decide-lost");
    if (answer.status !== 401) return plainly(form);
    if ((await answer.json()).type?.endsWith("/locked")) document.dispatchEvent(new Event("selvedge:locked"));
    else tell("decide-ended");
    return undefined;
  }

  // What stands in the way is told by the page itself, in the reader's language.
  function plainly(form) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "answer", value: kept.label }));
    form.submit();
  }

  function tell(id) {
    $(id).hidden = false;
    $(id).querySelector("button").focus();
  }

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "decide-form" || !event.submitter) return;
    event.preventDefault();
    kept = said(event.target, event.submitter);
    send(event.target);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-again]")) send($("decide-form"));
  });
  const goOn = () => kept && $("decide-form") && send($("decide-form"));
  window.addEventListener("online", () => !$("decide-lost")?.hidden && goOn());
  document.addEventListener("selvedge:unlocked", goOn);
})();
