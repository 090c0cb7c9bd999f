// The threshold moves, and what it would mean follows. Without this file the form is sent by its button.
(() => {
  const WAIT_MS = 200;
  const form = document.getElementById("what-if");
  if (!form) return;
  const part = document.querySelector(form.dataset.part);
  const number = form.elements.threshold;
  const slide = document.getElementById("slide");
  let timer = 0;
  let asked = 0;

  // Most thresholds lie low: the slider gives the low ones more room. Cubed, its first half is 0 to 0.125.
  const ofSlide = () => ((Number(slide.value) / 1000) ** 3).toFixed(4).replace(/\.?0+$/, "") || "0";
  const toSlide = () => (slide.value = String(Math.round(1000 * Math.cbrt(Number(number.value) || 0))));
  const tell = () => slide.setAttribute("aria-valuetext", number.value);

  async function look() {
    const mine = ++asked;
    const query = new URLSearchParams(new FormData(form));
    if (!form.checkValidity()) return;
    const address = `${location.pathname}?${query}`;
    await window.htmx.ajax("GET", address, { source: form, target: part, swap: "morph:innerHTML" });
    if (mine === asked) history.replaceState(null, "", address);
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  }

  slide.addEventListener("input", () => {
    number.value = ofSlide();
    tell();
    soon();
  });
  form.addEventListener("input", (event) => {
    if (event.target === slide) return;
    if (event.target === number) toSlide();
    tell();
    soon();
  });
  toSlide();
  tell();
  slide.parentElement.hidden = false;
})();
