// Plots: each figure's description is drawn by ECharts, found by keys and pointers, and drawn anew where it changed.
(() => {
  const P = (window.selvedgePlots ??= {});
  const NEAR = 40; // pixels, within which a pointer means a point
  const DRAGGED = 8;
  const PAPER = 700; // pixels: the width of a printed page's text
  const SHARP = 2; // a printer has more dots than a screen
  const made = new Map(); // key of a figure → Drawn

  class Drawn {
    constructor(figure) {
      this.figure = figure;
      this.box = figure.querySelector(".plot-box");
      this.place = figure.querySelector(".plot-draw");
      this.told = figure.querySelector(".plot-said");
      this.link = figure.querySelector(".plot-open");
      this.tip = this.part("plot-tip");
      this.ring = this.part("plot-ring");
      this.band = this.part("plot-band");
      this.chosen = -1;
      this.window = null; // what is zoomed to; null: all
      this.isPaper = false; // while it is printed
      this.chart = window.echarts.init(this.place, null, { renderer: "canvas" });
      this.read();
      this.redraw();
      this.listen();
      new ResizeObserver(() => this.fit()).observe(this.place);
    }

    part(name) {
      const element = document.createElement("div");
      element.className = name;
      element.hidden = true;
      element.setAttribute("aria-hidden", "true");
      this.box.append(element);
      return element;
    }

    // --- what is drawn ---------------------------------------------------------------------------------------------

    read() {
      const text = this.figure.querySelector("script[type='application/json']").textContent;
      if (text === this.text) return false;
      this.text = text;
      this.spec = JSON.parse(text);
      return true;
    }

    get view() {
      const { from, to } = this.window ?? { from: this.spec.since, to: this.spec.until };
      return { from, to, width: this.chart.getWidth(), isPaper: this.isPaper };
    }

    redraw(scheme) {
      const before = this.stops?.[this.chosen];
      const { option, stops, lies = false, height } = P.draw(this.spec, P.lookOf(this.figure, scheme), this.view);
      this.grow(height);
      this.chart.setOption(option, { notMerge: true });
      this.stops = stops;
      this.lies = lies;
      this.chosen = before ? stops.findIndex((stop) => String(stop.at) === String(before.at)) : -1;
      this.place.dataset.drawn = String(stops.length);
      this.point();
    }

    // As high as it needs, or as the page's style has it.
    grow(height) {
      this.place.style.blockSize = height ? `${height}px` : "";
      if (this.place.clientHeight !== this.chart.getHeight()) this.chart.resize({ height: this.place.clientHeight });
    }

    update() {
      if (this.read()) this.redraw();
    }

    fit() {
      if (!this.place.clientWidth || this.place.clientWidth === this.chart.getWidth()) return;
      this.chart.resize();
      this.redraw();
    }

    // A chart has a canvas for each of its layers, and a printer takes not all of them: it is given one.
    print() {
      this.isPaper = true;
      this.chart.resize({ width: Math.min(PAPER, this.place.clientWidth || PAPER) });
      this.redraw("light");
      this.paper = this.chart.renderToCanvas({ pixelRatio: SHARP * devicePixelRatio });
      this.paper.className = "plot-paper";
      this.paper.style.width = `${this.chart.getWidth()}px`;
      this.place.append(this.paper);
    }

    printed() {
      this.paper?.remove();
      this.isPaper = false;
      this.chart.resize({ width: "auto" });
      this.redraw();
    }

    // --- zoom ------------------------------------------------------------------------------------------------------

    get zooms() {
      return this.spec.axis === "time";
    }

    zoomed() {
      const { startValue, endValue } = this.chart.getOption().dataZoom[0];
      const { since, until } = this.spec;
      const all = startValue <= since && endValue >= until;
      this.window = all ? null : { from: startValue, to: endValue };
      this.redraw();
      this.offer();
    }

    zoomTo(from, to) {
      const least = 5 * 60_000;
      if (to - from < least) return;
      const { since, until } = this.spec;
      this.chart.dispatchAction({ type: "dataZoom", startValue: Math.max(from, since), endValue: Math.min(to, until) });
    }

    zoomBy(factor) {
      const { from, to } = this.view;
      const last = this.shown().findLast((place) => this.stops[place].at[1] !== null);
      const at = (this.stops[this.chosen] ?? this.stops[last])?.at[0] ?? (from + to) / 2;
      const half = ((to - from) * factor) / 2;
      this.zoomTo(at - half, at + half);
    }

    zoomOut() {
      this.zoomTo(this.spec.since, this.spec.until);
    }

    offer() {
      const span = this.figure.querySelector(".plot-span");
      span.hidden = this.window === null;
      if (!this.window) {
        if (this.told.textContent === this.spoken) this.say("");
        return;
      }
      const { from, to } = this.window;
      this.spoken = `${P.words(from, this.spec)} – ${P.words(to, this.spec)}`;
      this.say(this.spoken);
      const only = span.querySelector(".plot-only");
      only.hidden = !this.spec.choose;
      if (!this.spec.choose) return;
      const address = new URL(this.spec.choose, location.href);
      address.searchParams.set("from", P.written(from, this.spec.zone));
      address.searchParams.set("to", P.written(to, this.spec.zone));
      only.href = address.href;
    }

    // --- points ----------------------------------------------------------------------------------------------------

    // Where a stop is drawn; a mark, which has no height, at the top of the picture.
    pixel(stop) {
      const [x, y] = stop.at;
      const [left, top] = this.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [x, y ?? 0]);
      return [left, y === null ? 20 : top];
    }

    isShown(stop) {
      const { from, to } = this.view;
      return this.spec.axis !== "time" || (stop.at[0] >= from && stop.at[0] <= to);
    }

    nearest(x, y) {
      let found = -1;
      let least = Infinity;
      this.stops.forEach((stop, place) => {
        if (!this.isShown(stop)) return;
        const [left, top] = this.pixel(stop);
        const [wide, high] = this.lies ? [0.25, 1] : [1, stop.at[1] === null ? 1 : 0.25];
        const away = Math.abs(left - x) * wide + Math.abs(top - y) * high;
        if (away < least) [found, least] = [place, away];
      });
      return least <= NEAR + 60 ? found : -1;
    }

    choose(place, aloud) {
      this.chosen = place;
      this.point();
      const stop = this.stops[place];
      this.link.hidden = !stop?.url;
      if (stop?.url) {
        this.link.href = stop.url;
        const { lists, counts, page } = this.link.dataset;
        this.link.textContent = lists.split(" ").includes(this.link.pathname) ? counts : page;
      }
      if (stop && aloud) this.say(stop.words);
    }

    point() {
      const stop = this.stops[this.chosen];
      const shown = Boolean(stop) && this.isShown(stop);
      this.tip.hidden = this.ring.hidden = !shown;
      if (!shown) return;
      const [x, y] = this.pixel(stop);
      Object.assign(this.ring.style, { left: `${x}px`, top: `${y}px` });
      this.tip.textContent = stop.words;
      const room = this.box.clientWidth - this.tip.offsetWidth - 4;
      const above = y - this.tip.offsetHeight - 14;
      Object.assign(this.tip.style, {
        left: `${Math.max(4, Math.min(x + 12, room))}px`,
        top: `${above < 0 ? y + 16 : above}px`,
      });
    }

    say(words) {
      if (this.told.textContent !== words) this.told.textContent = words;
    }

    open() {
      const stop = this.stops[this.chosen];
      if (stop?.url) location.assign(stop.url);
    }

    clear() {
      this.choose(-1);
      this.say("");
      this.offer();
    }

    // --- keys ------------------------------------------------------------------------------------------------------

    shown() {
      return this.stops.map((stop, place) => (this.isShown(stop) ? place : -1)).filter((place) => place >= 0);
    }

    step(by) {
      const shown = this.shown();
      const at = shown.indexOf(this.chosen);
      if (at < 0) this.end(by > 0 ? 0 : -1);
      else this.choose(shown[Math.max(0, Math.min(shown.length - 1, at + by))], true);
    }

    end(place) {
      const found = this.shown().at(place);
      if (found !== undefined) this.choose(found, true);
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const does = {
        ArrowLeft: () => this.step(-1),
        ArrowRight: () => this.step(1),
        Home: () => this.end(0),
        End: () => this.end(-1),
        Enter: () => this.open(),
        Escape: () => (this.clear(), this.box.blur()),
        ...(this.lies && { ArrowUp: () => this.step(-1), ArrowDown: () => this.step(1) }),
        ...(this.zooms && { "+": () => this.zoomBy(0.5), "-": () => this.zoomBy(2), 0: () => this.zoomOut() }),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      event.stopPropagation();
      does();
    }

    // --- pointers: a click opens, a drag zooms; a tap chooses, and another on the same point opens ---------------------

    at(event) {
      const frame = this.place.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    }

    moved(event) {
      const [x, y] = this.at(event);
      if (this.from !== undefined && this.zooms) this.stretch(this.from, x);
      else if (event.pointerType !== "touch") this.choose(this.inside(x, y) ? this.nearest(x, y) : -1);
    }

    inside(x, y) {
      return this.chart.containPixel("grid", [x, y]) || (y < 60 && y > 0);
    }

    pressed(event) {
      const [x, y] = this.at(event);
      if (event.button !== 0 || !this.chart.containPixel("grid", [x, y])) return;
      if (event.pointerType === "touch") this.touched(event, x, y);
      else this.from = x;
    }

    // A finger covers its point: the first tap says which one is meant. A second finger, or scrolling, is no tap.
    touched(event, x, y) {
      const before = this.chosen;
      this.choose(this.nearest(x, y), true);
      this.again = event.isPrimary && before >= 0 && before === this.chosen ? [x, y] : undefined;
    }

    lifted(event) {
      const [x, y] = this.at(event);
      const isTap = this.again && Math.hypot(x - this.again[0], y - this.again[1]) < DRAGGED;
      this.again = undefined;
      if (isTap) this.open();
    }

    released(event) {
      const from = this.from;
      this.from = undefined;
      this.band.hidden = true;
      if (from === undefined) return;
      const [x] = this.at(event);
      if (Math.abs(x - from) < DRAGGED) this.open();
      else if (this.zooms) this.zoomTo(...[from, x].sort((a, b) => a - b).map((one) => this.value(one)));
    }

    value(x) {
      return this.chart.convertFromPixel({ xAxisIndex: 0 }, x);
    }

    stretch(from, to) {
      this.band.hidden = Math.abs(to - from) < DRAGGED;
      Object.assign(this.band.style, { left: `${Math.min(from, to)}px`, width: `${Math.abs(to - from)}px` });
    }

    listen() {
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.place.addEventListener("pointermove", (event) => this.moved(event));
      this.place.addEventListener("pointerdown", (event) => this.pressed(event));
      this.place.addEventListener("pointerup", (event) => this.lifted(event));
      this.place.addEventListener("pointercancel", () => (this.again = undefined));
      window.addEventListener("pointerup", (event) => this.released(event));
      this.place.addEventListener("pointerleave", (event) => {
        if (event.pointerType !== "touch" && document.activeElement !== this.box) this.choose(-1);
      });
      this.chart.on("datazoom", () => this.zoomed());
      this.figure.querySelector(".plot-all").addEventListener("click", () => this.zoomOut());
    }

    gone() {
      this.chart.dispose();
    }
  }

  // --- the page's figures ------------------------------------------------------------------------------------------------

  function closeTable(figure) {
    const table = figure.querySelector(".plot-table");
    if (!table.dataset.touched) table.open = false;
    table.dataset.touched = "yes";
  }

  function start(figure) {
    if (!window.echarts) {
      figure.querySelector(".plot-failed").hidden = false;
      figure.querySelector(".plot-table").dataset.touched = "yes";
      return;
    }
    closeTable(figure);
    made.set(figure.id, new Drawn(figure));
  }

  function all() {
    for (const [key, drawn] of made) {
      if (drawn.figure.isConnected && drawn.figure.querySelector(".plot-live")) continue;
      drawn.gone();
      made.delete(key);
    }
    for (const figure of document.querySelectorAll(".plot")) {
      if (made.has(figure.id)) made.get(figure.id).update();
      else if (figure.querySelector(".plot-live")) start(figure);
    }
  }

  // A poll brings the description anew, never the picture; nor what the reader did to the table.
  function keepPictures() {
    const calls = window.Idiomorph?.defaults.callbacks;
    if (!calls) return;
    const { beforeNodeMorphed: morphs, beforeAttributeUpdated: before } = calls; // the page has its own
    calls.beforeNodeMorphed = (old, fresh) => !old.classList?.contains("plot-live") && (morphs?.(old, fresh) ?? true);
    calls.beforeAttributeUpdated = (name, node, change) =>
      name !== "data-touched" && (before?.(name, node, change) ?? true);
  }

  // A canvas keeps the letters that it was drawn with, and how wide they were. They are asked for: at first nothing else
  // may have asked, and then none is on its way.
  function letters() {
    const used = [...new Set(document.body.textContent)].join("");
    return document.fonts.load(`12px ${getComputedStyle(document.body).fontFamily}`, used);
  }

  const each = (does) => made.forEach((drawn) => does(drawn));

  // A poll may be answered before the letters are there.
  function begin() {
    all();
    document.addEventListener("htmx:afterSettle", all);
  }

  document.addEventListener("DOMContentLoaded", () => {
    keepPictures();
    letters().then(begin, begin);
    const theme = new MutationObserver(() => each((drawn) => drawn.redraw()));
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  });
  window.addEventListener("beforeprint", () => each((drawn) => drawn.print()));
  window.addEventListener("afterprint", () => each((drawn) => drawn.printed()));
})();
