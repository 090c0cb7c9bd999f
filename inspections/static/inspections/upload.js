// Manual upload, one file at a time with its progress. Files wait in this page while the network, the session or the
// storage is away, and go on by themselves; a picture sent twice is one capture, so sending again is harmless.
(() => {
  const $ = (id) => document.getElementById(id);
  const form = $("upload");
  if (!form) return;
  const words = $("file-words").dataset;
  const input = $("id_image");
  const most = Number(form.dataset.most);
  const FIELDS = ["person", "line", "roll", "position_m", "mm_per_px"]; // a picture goes out under the name of who chose it
  const items = []; // {file, fields, row, state}; state: waits, sending, done, refused, failed
  let unsent = []; // chosen before a line was
  let held = false;
  let wait = 2000;
  let timer;

  const named = (text, name) => text.replace("%(name)s", name);
  const open = () => items.filter((item) => ["waits", "sending"].includes(item.state));
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  // --- rows ---------------------------------------------------------------------------------------------------

  function icon(item, name) {
    item.row.querySelector("use").setAttribute("href", `#i-${name}`);
  }

  const LOOKS = {
    waits: ["waiting", ""],
    sending: ["upload", ""],
    done: ["usual", "file-accepted"],
    refused: ["failed", "file-refused"],
    failed: ["alert", "file-later"],
  };

  function become(item, state, text) {
    item.state = state;
    const [name, look] = LOOKS[state];
    icon(item, name);
    item.row.className = `file ${look}`;
    item.row.querySelector(".file-words").textContent = text;
    item.row.querySelector(".file-progress").hidden = state !== "sending";
    item.row.querySelector(".file-retry").hidden = state !== "failed";
    item.row.querySelector(".file-drop").hidden = state === "sending" || state === "done";
    count();
  }

  function count() {
    const done = items.filter((item) => item.state === "done").length;
    $("sent-counts").textContent = words.counts.replace("%(done)s", done).replace("%(all)s", items.length);
  }

  function rowOf(item) {
    const row = $("file-row").content.firstElementChild.cloneNode(true);
    const part = (name) => row.querySelector(`.file-${name}`);
    row.querySelector(".file-name").textContent = item.file.name;
    part("progress").setAttribute("aria-label", named(words.progress, item.file.name));
    part("retry").setAttribute("aria-label", named(words.retry, item.file.name));
    part("drop").setAttribute("aria-label", named(words.remove, item.file.name));
    part("open").setAttribute("aria-label", named(words.open, item.file.name));
    part("retry").addEventListener("click", () => {
      become(item, "waits", words.waits);
      resume();
    });
    part("drop").addEventListener("click", () => drop(item));
    return row;
  }

  function drop(item) {
    const at = items.indexOf(item);
    items.splice(at, 1);
    item.row.remove();
    count();
    (items[Math.min(at, items.length - 1)]?.row.querySelector("button:not([hidden])") ?? input).focus();
  }

  // --- choosing -----------------------------------------------------------------------------------------------

  function add(files) {
    if (!$("id_line").value) {
      unsent = [...files];
      $("id_line").setCustomValidity(words.line);
      $("id_line").reportValidity();
      return;
    }
    if (!form.reportValidity()) return;
    const fields = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
    const room = Math.max(0, most - open().length);
    for (const file of [...files].slice(0, room)) append({ file, fields });
    $("sent").hidden = false;
    if (files.length > room) note(words.many);
    else if (!held) note("");
    next();
  }

  function append(item) {
    item.row = rowOf(item);
    items.push(item);
    $("files").append(item.row);
    if (item.file.size > Number(form.dataset.bytes)) become(item, "refused", words.large);
    else if (item.file.size === 0) become(item, "refused", words.empty);
    else become(item, "waits", words.waits);
  }

  // --- sending ------------------------------------------------------------------------------------------------

  function next() {
    if (held || items.some((item) => item.state === "sending")) return;
    const item = items.find((one) => one.state === "waits");
    if (item) send(item);
  }

  function send(item) {
    const body = new FormData();
    for (const [name, value] of Object.entries(item.fields)) if (value) body.append(name, value);
    body.append("image", item.file);
    const request = new XMLHttpRequest(); // fetch tells nothing of how far a body is sent
    const bar = item.row.querySelector(".file-progress");
    become(item, "sending", words.sending);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
      if (event.loaded === event.total) item.row.querySelector(".file-words").textContent = words.checked;
    });
    request.addEventListener("load", () => answered(item, request));
    request.addEventListener("error", () => away(item));
    request.addEventListener("timeout", () => away(item));
    request.timeout = 120000;
    request.responseType = "json";
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token());
    request.send(body);
  }

  function answered(item, request) {
    const said = request.response ?? {};
    const again = Number(request.getResponseHeader("Retry-After"));
    if (request.status === 200 || request.status === 201) done(item, said);
    else if (request.status === 401) away401(item, said);
    else if (request.status === 507) hold(item, words.full, again * 1000 || wait);
    else if (request.status === 503 || request.status === 429) hold(item, words.busy, again * 1000 || wait);
    else if (request.status === 409 && said.type?.endsWith("/other-person")) become(item, "failed", words.other);
    else if (said.words) become(item, "refused", said.words);
    else become(item, "failed", words.failed);
    next();
  }

  function done(item, said) {
    if (!said.url) return become(item, "failed", words.failed); // not our answer
    wait = 2000;
    become(item, "done", said.words);
    const link = item.row.querySelector(".file-open");
    link.href = said.url;
    link.hidden = false;
  }

  async function away(item) {
    try {
      await item.file.slice(0, 1).arrayBuffer();
    } catch {
      become(item, "refused", words.gone);
      return next();
    }
    hold(item, words.away, wait);
    wait = Math.min(2 * wait, 30000);
  }

  function away401(item, said) {
    const isLocked = said.type?.endsWith("/locked");
    hold(item, isLocked ? words.locked : words.ended, 0);
    $("sent-sign-in").hidden = isLocked;
    if (isLocked) document.dispatchEvent(new CustomEvent("selvedge:locked"));
  }

  // --- held: nothing is sent, nothing is lost -----------------------------------------------------------------

  function note(text) {
    $("sent-held-words").textContent = text;
    $("sent-held").hidden = text === "";
    $("sent-again").hidden = !held;
    if (!held) $("sent-sign-in").hidden = true;
  }

  function hold(item, text, after) {
    held = true;
    become(item, "waits", words.waits);
    note(text);
    clearTimeout(timer);
    if (after) timer = setTimeout(resume, after);
  }

  function resume() {
    clearTimeout(timer);
    held = false;
    note("");
    next();
  }

  // --- hands --------------------------------------------------------------------------------------------------

  input.addEventListener("change", () => {
    add(input.files);
    if (unsent.length === 0) input.value = "";
  });
  $("id_line").addEventListener("change", () => {
    $("id_line").setCustomValidity("");
    const files = unsent;
    unsent = [];
    input.value = "";
    if (files.length) add(files);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  $("sent-again").addEventListener("click", resume);
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  $("drop").addEventListener("dragover", () => $("drop").classList.add("is-over"));
  for (const kind of ["dragleave", "drop"]) $("drop").addEventListener(kind, () => $("drop").classList.remove("is-over"));
  $("drop").addEventListener("drop", (event) => add(event.dataTransfer.files));
  window.addEventListener("online", () => held && resume());
  document.addEventListener("selvedge:unlocked", () => held && resume());
  window.addEventListener("beforeunload", (event) => open().length > 0 && event.preventDefault());

  for (const part of form.querySelectorAll(".by-hand")) part.hidden = true;
  form.querySelector(".by-script").hidden = false;
  $("drop-hint").hidden = false;
  input.required = false;
  $("files").replaceChildren();
})();
