// What lies over and around the image: heat-map, brightness and contrast, and a scale bar.
(() => {
  const Q = (window.selvedgeQueue ??= {});
  const KEPT = "selvedge-look";
  const USUAL = { heat: false, opacity: 70, brightness: 100, contrast: 100 };
  const LONGEST_BAR = 160; // pixels

  const kept = () => {
    try {
      return { ...USUAL, ...JSON.parse(sessionStorage.getItem(KEPT)) };
    } catch {
      return { ...USUAL };
    }
  };

  // The longest of 1, 2, 5, 10 … millimetres that fits: [millimetres, pixels].
  Q.scaleStep = (pxPerMm, most = LONGEST_BAR) => {
    const fits = most / pxPerMm;
    const ten = 10 ** Math.floor(Math.log10(fits));
    const step = [5, 2, 1].find((one) => one * ten <= fits) * ten;
    return [step, step * pxPerMm];
  };

  class Look {
    constructor(viewer, glass, words) {
      this.viewer = viewer;
      this.words = words;
      this.is = kept();
      this.scale = glass.querySelector("#q-scale");
      this.layer = document.createElement("img");
      this.layer.className = "q-heat-layer";
      this.layer.alt = "";
      this.isThere = false;
      this.layer.addEventListener("error", () => (this.layer.hidden = true));
      this.layer.addEventListener("load", () => (this.layer.hidden = false));
      viewer.addEventListener("view", () => this.measure());
      this.sliders();
      this.apply();
    }

    sliders() {
      for (const name of ["opacity", "brightness", "contrast"]) {
        const slider = document.getElementById(`q-${name}`);
        slider.addEventListener("input", () => this.set({ [name]: Number(slider.value) }));
      }
    }

    set(changed) {
      Object.assign(this.is, changed);
      try {
        sessionStorage.setItem(KEPT, JSON.stringify(this.is));
      } catch {
        // it holds until the page is left
      }
      this.apply();
    }

    reset() {
      this.set({ ...USUAL, heat: this.is.heat });
    }

    apply() {
      const { heat, opacity, brightness, contrast } = this.is;
      for (const name of ["opacity", "brightness", "contrast"]) document.getElementById(`q-${name}`).value = this.is[name];
      const { canvas } = this.viewer.osd.drawer;
      canvas.style.filter = brightness === 100 && contrast === 100 ? "" : `brightness(${brightness}%) contrast(${contrast}%)`;
      this.layer.style.opacity = opacity / 100;
      document.querySelector("[data-do=heat]").setAttribute("aria-pressed", heat);
      if (this.item) this.lay();
    }

    // Lays the heat-map over this image, or takes the last one away.
    show(item, image) {
      this.item = item;
      this.image = image;
      this.lay();
      this.measure();
    }

    lay() {
      const wanted = this.is.heat && this.image && this.item.heat_url;
      const { osd } = this.viewer;
      if (this.isThere && (!wanted || this.layer.dataset.of !== this.item.capture)) {
        osd.removeOverlay(this.layer);
        this.isThere = false;
      }
      if (!wanted || this.isThere) return;
      if (this.layer.dataset.of !== this.item.capture) {
        this.layer.hidden = true;
        this.layer.src = this.item.heat_url;
        this.layer.dataset.of = this.item.capture;
      }
      osd.addOverlay({ element: this.layer, location: this.image.getBounds(true) });
      this.isThere = true;
    }

    measure() {
      const known = this.image && this.item?.mm_per_px;
      this.scale.hidden = !known;
      if (!known) return;
      const [mm, pixels] = Q.scaleStep(this.viewer.scale() / this.item.mm_per_px);
      const [unit, n] = mm < 1 ? ["micro", mm * 1000] : mm < 10 ? ["milli", mm] : ["centi", mm / 10];
      const text = Q.fill(this.words[unit], { n: Number(n.toPrecision(2)).toLocaleString(document.documentElement.lang) });
      this.scale.firstElementChild.style.inlineSize = `${pixels}px`;
      if (this.scale.lastElementChild.textContent !== text) this.scale.lastElementChild.textContent = text;
    }
  }

  Q.Look = Look;
})();
