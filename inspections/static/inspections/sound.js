// New alarms while this page is open: a tone where the reader switched it on, a flash, and words for those who listen.
(() => {
  const $ = (id) => document.getElementById(id);
  const keep = window.selvedgeKeep;
  const raised = () => [...document.querySelectorAll("[data-alarm]")];
  const ids = (found) => new Set(found.map((one) => one.dataset.alarm));
  let known = new Set();
  let audio = null;
  let isOn = false;

  const isMuted = () => isOn && audio?.state !== "running";

  function show() {
    const button = $("sound");
    const words = isMuted() ? "muted" : isOn ? "on" : "off";
    button.setAttribute("aria-pressed", isOn);
    button.classList.toggle("is-muted", isMuted());
    $("sound-words").textContent = button.dataset[words];
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

  function tell(fresh) {
    for (const one of fresh) one.closest("li")?.classList.add("is-fresh");
    $("alarm-told").textContent = `${$("alarm-told").dataset.words}: ${fresh.map((one) => one.dataset.told).join("; ")}`;
    play(fresh.some((one) => "critical" in one.dataset));
  }

  function look() {
    const found = raised();
    const fresh = found.filter((one) => !known.has(one.dataset.alarm));
    known = ids(found);
    if (fresh.length) tell(fresh);
  }

  async function press() {
    isOn = isMuted() || !isOn;
    keep.write("selvedge-sound", isOn ? "on" : "off");
    if (isOn) await allow();
    show();
    if (isOn) play(false);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const button = $("sound");
    if (!button) return;
    known = ids(raised());
    isOn = keep.read("selvedge-sound") === "on";
    button.hidden = false;
    button.addEventListener("click", press);
    // The first press anywhere wakes what was switched on another day.
    document.addEventListener("pointerdown", (event) => {
      if (isMuted() && !event.target.closest("#sound")) allow();
    });
    show();
    document.addEventListener("htmx:afterSettle", look);
  });
})();
