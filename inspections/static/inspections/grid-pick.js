// Picking in the grid: by touch, mouse and keys. Only what was on the screen, with its picture, can be picked.
window.selvedgePick = (() => {
  const grid = document.getElementById("grid");
  if (!grid) return null;
  const bar = document.getElementById("grid-bar");
  const words = JSON.parse(grid.dataset.words);
  const seen = new WeakSet();
  const near = new Set(); // tiles of which most is on the screen now
  let picked = new Set();
  let before = new Set(); // what was picked when the run began
  let anchor = null; // where a run begins
  let range = ""; // "", "from" or "to": a run by touch
  let wish = null; // the end of a run by keys that was not on the screen yet when the key came
  let tell = () => {};
  let changed = () => {};

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
  const tiles = () => [...grid.querySelectorAll(".tile")];
  const box = (tile) => tile.querySelector(".tile-box");
  const image = (tile) => tile.querySelector("img");

  // --- what was on the screen ---------------------------------------------------------------------------------

  let observer;
  function look() {
    observer?.disconnect();
    const covered = bar.offsetHeight; // what lies under the bar is not on the screen
    observer = new IntersectionObserver(
      (entries) => {
        for (const { target, intersectionRatio } of entries) {
          if (intersectionRatio >= 0.6) near.add(target);
          else near.delete(target);
          see(target);
        }
        grant();
        changed();
      },
      { threshold: [0.6], rootMargin: `0px 0px -${covered}px 0px` },
    );
    near.clear();
    for (const tile of tiles()) observer.observe(tile);
  }

  function see(tile) {
    const { complete, naturalWidth } = image(tile);
    if (complete && naturalWidth === 0 && image(tile).currentSrc) tile.classList.add("is-missing");
    else if (complete && naturalWidth && near.has(tile) && !document.hidden) seen.add(tile);
  }

  const shown = (event) => {
    const tile = event.target.closest?.(".tile");
    if (!tile) return;
    if (event.type === "error") tile.classList.add("is-missing");
    see(tile);
    grant();
    changed();
  };
  grid.addEventListener("load", shown, true);
  grid.addEventListener("error", shown, true);

  // --- what may be picked -------------------------------------------------------------------------------------

  function objection(tile) {
    if (tile.dataset.held) return fill(words.held, { who: tile.dataset.held });
    if (tile.classList.contains("is-taken")) return tile.querySelector(".tile-why-words").textContent;
    if (tile.classList.contains("is-missing")) return words.missing;
    return seen.has(tile) ? "" : words.unseen;
  }

  const mayPick = (tile) => objection(tile) === "";
  const onScreen = () => tiles().filter((tile) => near.has(tile) && mayPick(tile));

  // --- picking ------------------------------------------------------------------------------------------------

  function paint() {
    for (const tile of tiles()) {
      box(tile).checked = picked.has(tile);
      tile.classList.toggle("is-picked", picked.has(tile));
      tile.classList.toggle("is-anchor", range === "to" && tile === anchor);
    }
    changed();
  }

  function begin(tile) {
    anchor = tile;
    before = new Set(picked);
  }

  function toggle(tile) {
    const why = objection(tile);
    if (why) tell(why);
    else if (!picked.delete(tile)) picked.add(tile);
    begin(tile);
    paint();
    if (!why) tell(fill(picked.size ? words.picked : words.none, { n: picked.size }));
  }

  function run(tile) {
    const all = tiles();
    const [first, last] = [all.indexOf(anchor), all.indexOf(tile)].sort((a, b) => a - b);
    const between = all.slice(Math.max(first, 0), last + 1);
    const free = between.filter(mayPick);
    picked = new Set([...before, ...free]);
    paint();
    const out = between.length - free.length;
    tell(fill(words.picked, { n: picked.size }) + (out ? ` · ${fill(words.left_out, { n: out })}` : ""));
  }

  // The key has brought the tile onto the screen; now it may be picked.
  function grant() {
    if (!wish?.isConnected || !anchor?.isConnected || objection(wish)) return;
    const tile = wish;
    wish = null;
    run(tile);
  }

  function setRange(next) {
    range = next;
    document.getElementById("grid-range").setAttribute("aria-pressed", String(Boolean(next)));
    if (next) tell(words[next]);
    paint();
  }

  function touch(tile, wantsRun) {
    focus(tile);
    wish = null;
    if (range === "from") {
      begin(tile);
      setRange("to");
    } else if (range === "to" || (wantsRun && anchor?.isConnected)) {
      run(tile);
      if (range) setRangeQuietly();
    } else toggle(tile);
  }

  function setRangeQuietly() {
    range = "";
    document.getElementById("grid-range").setAttribute("aria-pressed", "false");
    paint();
  }

  function pickAll() {
    const found = onScreen();
    picked = new Set([...picked, ...found]);
    if (found[0]) begin(found[0]);
    paint();
    tell(fill(words.all, { n: found.length }));
  }

  function none() {
    const had = picked.size || range;
    wish = null;
    picked = new Set();
    before = new Set();
    setRangeQuietly();
    if (had) tell(words.none);
  }

  function pick(some) {
    picked = new Set([...picked, ...some]);
    paint();
  }

  function drop(some) {
    for (const tile of some) picked.delete(tile);
    before = new Set([...before].filter((tile) => picked.has(tile)));
    paint();
  }

  // A label's click would come twice, once for its box; ours comes once, with the keys that were held.
  grid.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.target.closest(".tile-look")) return;
    if (!event.target.matches(".tile-box")) event.preventDefault();
    touch(tile, event.shiftKey);
  });

  // --- moving by keys: one stop for Tab, arrows within --------------------------------------------------------

  let current = null;
  function focus(tile) {
    if (current) box(current).tabIndex = -1;
    current = tile;
    box(tile).tabIndex = 0;
    box(tile).focus({ preventScroll: true });
    const { top, bottom } = tile.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight - bar.offsetHeight) tile.scrollIntoView({ block: "nearest" });
  }

  function columns(all) {
    const next = all.findIndex((tile) => tile.offsetTop > all[0].offsetTop);
    return next === -1 ? all.length : next;
  }

  function move(key, wantsRun) {
    const all = tiles();
    if (all.length === 0) return;
    const at = all.indexOf(current);
    const start = at === -1 || !grid.contains(document.activeElement);
    const ahead = document.documentElement.dir === "rtl" ? -1 : 1;
    const across = columns(all);
    const step = { ArrowRight: ahead, ArrowLeft: -ahead, ArrowDown: across, ArrowUp: -across }[key];
    const to = start ? Math.max(at, all.findIndex((tile) => near.has(tile)), 0) : goal(key, at, step, all.length);
    if (wantsRun && !anchor?.isConnected && at !== -1) begin(all[at]);
    focus(all[to]);
    if (!wantsRun || !anchor) return;
    run(all[to]);
    wish = objection(all[to]) === words.unseen ? all[to] : null;
  }

  function goal(key, at, step, count) {
    if (key === "Home") return 0;
    if (key === "End") return count - 1;
    return at + step < 0 || at + step >= count ? at : at + step;
  }

  function start() {
    const first = tiles()[0];
    if (first) {
      current = first;
      box(first).tabIndex = 0;
    }
    document.documentElement.style.setProperty("--grid-bar", `${bar.offsetHeight}px`);
    look();
  }

  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--grid-bar", `${bar.offsetHeight}px`);
    look();
  }).observe(bar);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", paint); // a page that comes back has boxes as they were

  return {
    grid, words, fill, tiles, start, look, move, pickAll, none, pick, drop, setRange, focus,
    picked: () => tiles().filter((tile) => picked.has(tile)),
    onScreen,
    range: () => range,
    current: () => current,
    hear: (onTell, onChange) => ([tell, changed] = [onTell, onChange]),
  };
})();
