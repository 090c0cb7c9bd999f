// New alarms while a page is open: a tone where the reader switched it on, a flash, and words for those who listen.
(() => {
  const $ = (id) => document.getElementById(id);
  const keep = window.selvedgeKeep;
  const EVERY_MS = 4000;
  const MOST = 100; // alarms that this browser knows to have sounded
  const RUNG = "selvedge-rung";
  const raised = () => [...document.querySelectorAll("[data-alarm]")];
  const idOf = (one) => one.dataset.alarm;
  const ids = (found) => new Set(found.map(idOf));
  let known = new Set();
  let audio = null;
  let isOn = false;

  const isMuted = () => isOn && audio?.state !== "running";

  function show() {
    const words = isMuted() ? "muted" : isOn ? "on" : "off";
    for (const place of [$("sound"), $("sound-state")].filter(Boolean)) {
      place.classList.toggle("is-muted", isMuted());
      place.querySelector("span").textContent = place.dataset[words] ?? "";
    }
    $("sound")?.setAttribute("aria-pressed", isOn);
    $("sound-state").hidden = !isOn;
    $("sound-state").title = $("sound-state").dataset[words] ?? "";
    // Who wants to hear is told in a tab that nobody looks at, too.
    document.documentElement.toggleAttribute("data-listens", isOn);
  }

  // Browsers play nothing before a press: only a press makes the audio, or wakes it.
  async function allow() {
    audio ??= new AudioContext();
    audio.addEventListener("statechange", show, { once: true });
    await audio.resume();
    show();
  }

  function tone(hertz, start) {
    const source = audio.createOscillator();
    const loudness = audio.createGain();
    source.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, start);
    loudness.gain.linearRampToValueAtTime(0.3, start + 0.02);
    loudness.gain.linearRampToValueAtTime(0, start + 0.22);
    source.connect(loudness).connect(audio.destination);
    source.start(start);
    source.stop(start + 0.24);
  }

  function play(isCritical) {
    if (!isOn || isMuted()) return;
    const tones = isCritical ? [880, 660, 880, 660] : [660, 880];
    tones.forEach((hertz, place) => tone(hertz, audio.currentTime + place * 0.26));
  }

  // Of several tabs the first that may sound does; two that hear in the same moment both do, which harms nobody.
  function unheard(fresh) {
    if (!isOn || isMuted()) return [];
    const rung = keep.list(RUNG);
    keep.keepList(RUNG, [...new Set([...rung, ...fresh.map(idOf)])].slice(-MOST));
    return fresh.filter((one) => !rung.includes(idOf(one)));
  }

  function tell(fresh) {
    for (const one of fresh) one.closest("li")?.classList.add("is-fresh");
    $("alarm-told").textContent = `${$("alarm-told").dataset.words}: ${fresh.map((one) => one.dataset.told).join("; ")}`;
    const loud = unheard(fresh);
    if (loud.length) play(loud.some((one) => "critical" in one.dataset));
  }

  function look() {
    const found = raised();
    const fresh = found.filter((one) => !known.has(idOf(one)));
    known = ids(found);
    if (fresh.length) tell(fresh);
  }

  // A page that shows no alarms asks what stands on their tab, as long as somebody wants to hear.
  async function ask() {
    if (!isOn) return;
    try {
      const answer = await fetch($("alarm-tab").dataset.raised, { redirect: "manual" });
      if (!answer.ok) return;
      $("alarm-tab").innerHTML = await answer.text();
      look();
    } catch {
      // the page itself says that there is no connection
    }
  }

  async function press() {
    isOn = isMuted() || !isOn;
    keep.write("selvedge-sound", isOn ? "on" : "off");
    if (isOn) await allow();
    show();
    if (isOn) play(false);
  }

  // The first press anywhere, of a finger or a key, wakes what was switched on another day.
  const wake = (event) => isMuted() && !event.target.closest("#sound") && allow();

  document.addEventListener("DOMContentLoaded", () => {
    known = ids(raised());
    isOn = keep.read("selvedge-sound") === "on";
    const button = $("sound");
    if (button) button.hidden = false;
    button?.addEventListener("click", press);
    document.addEventListener("pointerdown", wake);
    document.addEventListener("keydown", wake);
    show();
    document.addEventListener("htmx:afterSettle", look);
    if ($("alarm-tab").dataset.raised) setInterval(ask, EVERY_MS);
  });
})();
