// Who used this terminal before: a name to touch instead of one to type. Kept in this browser alone, and forgotten
// one by one. Without this file the name is typed.
(() => {
  const KEY = "selvedge-people";
  const keep = window.selvedgeKeep;
  const box = document.getElementById("people");
  const username = document.getElementById("id_username");
  const password = document.getElementById("id_password");

  const known = () => keep.list(KEY).filter((one) => typeof one?.username === "string").slice(0, 6);

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function choose(one) {
    username.value = one.username;
    password.value = "";
    mark();
    password.focus();
  }

  function forget(one) {
    keep.keepList(KEY, known().filter((other) => other.username !== one.username));
    draw();
    password.focus();
  }

  function mark() {
    for (const button of box.querySelectorAll(".person"))
      button.setAttribute("aria-pressed", String(button.dataset.username === username.value.trim()));
  }

  function row(one) {
    const pick = element("button", "button person", one.name || one.username);
    pick.type = "button";
    pick.dataset.username = one.username;
    pick.addEventListener("click", () => choose(one));
    const drop = element("button", "button forget", "×");
    drop.type = "button";
    drop.setAttribute("aria-label", box.dataset.remove.replace("%(name)s", one.name || one.username));
    drop.addEventListener("click", () => forget(one));
    const item = document.createElement("li");
    item.append(pick, drop);
    return item;
  }

  function draw() {
    const people = known();
    box.hidden = people.length === 0;
    box.querySelector("ul").replaceChildren(...people.map(row));
    mark();
  }

  username.addEventListener("input", mark);
  draw();
})();
