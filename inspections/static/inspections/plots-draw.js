// From a plot's neutral description to what ECharts draws, and the stops: the points that keys and pointers find.
(() => {
  const P = (window.selvedgePlots ??= {});
  const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin"];
  const PATTERNS = { promotion: [8, 3], threshold: [2, 3], style: "solid", alarm: [8, 3, 2, 3], chosen: "solid" };
  const LANES = 3; // numbers, or words, of marks that stand near each other stand one above the other
  const [OF_NUMBERS, OF_WORDS, OF_NAMES] = [19, 15, 20]; // pixels: the height of a lane, and of the names of stretches
  const TURNS = 0.66; // of the picture, from where on words stand before their mark
  const AROUND = 64; // pixels beside the picture: the words of its axis, and the edge
  const UNDER_TICKS = 27; // pixels from the axis to the names of stretches
  const LEAST_NAME = 24; // pixels of a stretch that has room for a name
  const MOST_DOTS = 160; // beyond, only points that signal have a symbol

  const middle = (spot) => (spot.end === undefined ? spot.x : (spot.x + spot.end) / 2);

  const toneOf = (one, place, look) => look.palette[(one.tone ?? place) % look.palette.length];

  // --- axes -------------------------------------------------------------------------------------------------------

  function axisText(look) {
    // A line's height is said: the library measures it by a letter that the font may lack.
    return { color: look.soft, fontSize: 12, lineHeight: 15, fontFamily: look.font };
  }

  const isSigned = (spec) => spec.series?.some((one) => one.spots.some((spot) => spot.lower < 0 || spot.y < 0));

  function highestOf(spec) {
    const found = new Map();
    for (const spot of spec.series?.flatMap((one) => one.spots) ?? []) {
      const [x, before] = [middle(spot), found.get(middle(spot)) ?? 0];
      found.set(x, spec.kind === "stack" ? before + spot.y : Math.max(before, spot.y, spot.upper ?? 0));
    }
    return Math.max(0, ...found.values());
  }

  function upAxis(spec, look) {
    const written = new Intl.NumberFormat(spec.language, { maximumFractionDigits: 2 });
    return {
      type: "value",
      min: isSigned(spec) ? null : 0,
      ...(spec.unit === "%" && highestOf(spec) > 80 ? { max: 100, interval: 25 } : {}), // no share is more than all
      name: spec.y_name || "",
      nameLocation: "end",
      nameTextStyle: { ...axisText(look), align: "left" },
      splitNumber: 4,
      axisLabel: {
        ...axisText(look),
        formatter: (value) => written.format(value) + (spec.unit ? ` ${spec.unit}` : ""),
      },
      splitLine: { lineStyle: { color: look.hair } },
      minInterval: spec.unit === "" ? 1 : 0,
    };
  }

  function alongAxis(spec, look, view) {
    const line = { axisLine: { lineStyle: { color: look.edge } }, splitLine: { show: false } };
    if (spec.axis === "number") {
      const name = { name: spec.x_name, nameLocation: "middle", nameGap: 28, nameTextStyle: axisText(look) };
      return { type: "value", scale: true, ...line, ...name, axisLabel: axisText(look) };
    }
    const ticks = P.ticks(view.from, view.to, view.width / 84, spec);
    const said = new Map(ticks.map((tick) => [tick.at, tick]));
    const at = ticks.map((tick) => tick.at);
    return {
      type: "time",
      min: spec.since,
      max: spec.until,
      ...line,
      axisTick: { customValues: at },
      axisLabel: {
        ...axisText(look),
        customValues: at,
        hideOverlap: true,
        showMinLabel: null,
        showMaxLabel: null,
        rich: { day: { ...axisText(look), color: look.ink, fontWeight: 600 } },
        formatter: (value) => {
          const tick = said.get(value);
          if (!tick) return "";
          return tick.isDay ? `{day|${tick.words}}` : tick.words;
        },
      },
    };
  }

  function zoom(spec, look, view) {
    if (spec.axis === undefined) return [];
    const shown = { startValue: view.from, endValue: view.to, filterMode: "none", xAxisIndex: 0 };
    const within = { zoomOnMouseWheel: "ctrl", moveOnMouseWheel: "shift", moveOnMouseMove: false };
    return [
      { ...shown, type: "inside", ...within, preventDefaultMouseMove: false },
      {
        show: !view.isPaper,
        ...shown,
        type: "slider",
        height: 26,
        bottom: 6,
        handleSize: "130%",
        brushSelect: false,
        showDetail: false,
        borderColor: look.hair,
        fillerColor: look.wash,
        handleStyle: { color: look.surface, borderColor: look.edge },
        moveHandleStyle: { color: look.edge },
        showDataShadow: false,
      },
    ];
  }

  function base(spec, look, { legend, top, zooms }) {
    return {
      animation: false,
      textStyle: { fontFamily: look.font, color: look.ink },
      aria: { enabled: true, label: { description: spec.words }, decal: { show: true } },
      legend: {
        show: legend,
        top: 0,
        left: 0,
        selectedMode: false,
        itemGap: 16,
        itemWidth: 22,
        textStyle: { color: look.ink, fontSize: 13, fontFamily: look.font },
      },
      grid: { left: 8, right: 16, top: top + (legend ? 34 : 0), bottom: zooms ? 44 : 8, containLabel: true },
    };
  }

  // --- marks ------------------------------------------------------------------------------------------------------

  function endsOf(spec, view) {
    if (spec.axis === "time") return [view.from, view.to];
    const along = spec.series.flatMap((one) => one.spots.map(middle));
    return [Math.min(...along), Math.max(...along)];
  }

  const pen = document.createElement("canvas").getContext("2d");

  function widths(words, look) {
    pen.font = `12px ${look.font}`;
    return words.map((one) => pen.measureText(one).width);
  }

  const widthOf = (words, look) => widths([words], look)[0];

  // What stands above each mark's line, `label`, and how high all of it is. On an axis of time it is the mark's number,
  // because words of several would be taken for one another's; elsewhere its words.
  function labelsOf(spec, view, look) {
    const [from, to] = endsOf(spec, view);
    const wide = view.width - AROUND;
    const found = spec.marks.map((mark) => ({ mark, at: ((mark.x - from) / (to - from)) * wide }));
    const shown = found.filter(({ at }) => at >= 0 && at <= wide);
    const placed = spec.axis === "time" ? numbered(shown, wide, look) : worded(shown, wide, view, look);
    const lanes = Math.max(0, ...placed.map(({ lane }) => lane + 1));
    const named = new Map(placed.map((one) => [one.mark, one.label]));
    return {
      high: lanes * (spec.axis === "time" ? OF_NUMBERS : OF_WORDS),
      lines: spec.marks.map((mark) => lineOf(mark, named.get(mark), look)),
    };
  }

  // A number stands over the middle of its line, in the first lane where it meets no other; where none has room, the one
  // before says up to where it goes. Its words stand right of it where they end before the next line.
  function numbered(shown, wide, look) {
    const ends = Array.from({ length: LANES }, () => -Infinity);
    const found = [];
    const around = (words) => Math.max(18, widthOf(words, look) + 12);
    shown.forEach(({ mark, at }, place) => {
      const words = String(mark.number);
      const long = around(words);
      const lane = ends.findIndex((end) => end + 2 <= at - long / 2);
      const latest = found.at(-1);
      if (lane < 0 && latest) {
        latest.words = `${latest.first}–${mark.number}`;
        latest.after = "";
        latest.long = around(latest.words);
        ends[latest.lane] = latest.left + latest.long;
        return;
      }
      const next = shown[place + 1] ? shown[place + 1].at - long : wide + 8;
      const room = next - (at + long / 2) - 12;
      const after = widthOf(mark.words, look) <= room ? mark.words : "";
      ends[Math.max(lane, 0)] = at + long / 2;
      found.push({ mark, at, long, lane: Math.max(lane, 0), left: at - long / 2, first: mark.number, words, after });
    });
    return found.map((one) => ({ ...one, label: numberLabel(one, look) }));
  }

  function numberLabel({ at, left, lane, words, after, long }, look) {
    const number = {
      ...{ color: look.ink, backgroundColor: look.surface, borderColor: look.ink, borderWidth: 1, borderRadius: 9 },
      ...{ fontSize: 12, fontFamily: look.font, lineHeight: 16, width: long, height: 16, align: "center" },
    };
    return {
      said: after ? `${words} ${after}` : words,
      distance: 4 + OF_NUMBERS * lane,
      align: "left",
      padding: [0, 0, 0, left - at],
      formatter: () => `{number|${words}}${after && ` ${after}`}`,
      rich: { number },
    };
  }

  // In the first lane where they meet no others. What has no room has its line alone.
  function worded(shown, wide, view, look) {
    const most = Math.max(90, view.width / 3);
    const taken = Array.from({ length: LANES }, () => []);
    const found = shown.map(({ mark, at }) => {
      const [turned, long] = [at / wide > TURNS, Math.min(most, widthOf(mark.words, look))];
      const [left, right] = turned ? [at - long, at] : [at, at + long];
      const lane = taken.findIndex((others) => others.every((one) => right + 8 < one[0] || one[1] + 8 < left));
      taken[lane]?.push([left, right]);
      const label = { said: mark.words, distance: 3 + OF_WORDS * lane, align: turned ? "right" : "left" };
      return { mark, lane, label: { ...label, formatter: () => mark.words, width: most, overflow: "truncate" } };
    });
    return found.filter(({ lane }) => lane >= 0);
  }

  function lineOf(mark, label, look) {
    const letters = { position: "end", rotate: 0, color: look.ink, fontSize: 12, fontFamily: look.font };
    return {
      xAxis: mark.x,
      name: label?.said,
      lineStyle: { color: look.ink, width: 1.5, type: PATTERNS[mark.kind] ?? "dashed" },
      label: { show: Boolean(label), ...letters, ...label },
    };
  }

  function levelOf(level, look) {
    return {
      yAxis: level.y,
      lineStyle: { color: look.alert, width: 1.5, type: "dashed" },
      label: { position: "insideStartTop", formatter: level.words, color: look.alertInk, fontSize: 12 },
    };
  }

  // Their names stand under the hours, where no curve runs through them, and in the middle of what is shown of them.
  function stretches(spec, look, view) {
    const { from: left, to: right } = view;
    const pixel = (view.width - AROUND) / (right - left);
    const under = { position: "bottom", distance: UNDER_TICKS, color: look.soft, fontSize: 12, fontFamily: look.font };
    const data = spec.stretches.flatMap((one, place) => {
      const [from, to] = [Math.max(one.x, left), Math.min(one.end, right)];
      if (to <= from) return [];
      const room = (to - from) * pixel - 8;
      const label = { ...under, show: room >= LEAST_NAME, width: room, overflow: "truncate" };
      const itemStyle = { color: place % 2 ? "transparent" : look.shade };
      return [[{ xAxis: from, name: one.words, itemStyle, label }, { xAxis: to }]];
    });
    return { silent: true, data };
  }

  const namesUnder = (spec) => (spec.stretches.length ? OF_NAMES : 0);

  function marked(series, spec, look, view, { lines }) {
    const data = [...lines, ...spec.levels.map((level) => levelOf(level, look))];
    series.markLine = { silent: true, symbol: "none", animation: false, data };
    if (spec.stretches.length) series.markArea = stretches(spec, look, view);
    return series;
  }

  // --- control and series: lines, with their limits ----------------------------------------------------------------

  function limits(spots, look) {
    const rows = spots.filter((spot) => spot.upper !== undefined);
    if (!rows.length) return [];
    const value = (spot) => [spot.x, spot.end ?? spot.x, spot.lower ?? 0, spot.upper, spot.centre ?? null];
    return [
      {
        type: "custom",
        name: "",
        silent: true,
        clip: true,
        z: 1,
        encode: { x: [0, 1], y: [2, 3] },
        data: rows.map(value),
        renderItem: (_params, api) => stepOf(api, look),
      },
    ];
  }

  // One subgroup's limits: the room between them, their edges, and the centre.
  function stepOf(api, look) {
    const [left, top] = api.coord([api.value(0), api.value(3)]);
    const [right, bottom] = api.coord([api.value(1), api.value(2)]);
    const edge = (y, dash) => ({
      type: "line",
      shape: { x1: left, x2: right, y1: y, y2: y },
      style: { stroke: look.edge, lineWidth: 1, lineDash: dash, fill: null },
    });
    const shape = { x: left, y: top, width: right - left, height: bottom - top };
    const children = [{ type: "rect", shape, style: { fill: look.wash } }, edge(top), edge(bottom)];
    const centre = api.value(4);
    if (Number.isFinite(centre)) children.push(edge(api.coord([api.value(0), centre])[1], [2, 3]));
    return { type: "group", children };
  }

  function lineSeries(one, place, look, many) {
    const colour = one.beside ? look.soft : toneOf(one, place, look);
    const few = one.spots.length <= MOST_DOTS;
    const symbol = one.beside ? "circle" : SYMBOLS[place % SYMBOLS.length];
    return {
      type: "line",
      name: one.name,
      z: one.beside ? 2 : 3,
      silent: true,
      emphasis: { disabled: true },
      connectNulls: false,
      showAllSymbol: true,
      symbol,
      symbolSize: few ? (many ? 6 : 5) : 0,
      color: colour,
      lineStyle: { color: colour, width: one.beside ? 1.25 : 1.75, type: one.beside ? [5, 4] : "solid" },
      // An empty circle of ECharts is white inside, also in the dark.
      itemStyle: one.beside ? { color: look.surface, borderColor: colour, borderWidth: 1.25 } : { color: colour },
      data: one.spots.map((spot) => ({ value: [middle(spot), spot.y], ...(spot.signal && signalling(look)) })),
    };
  }

  const signalling = (look) => ({
    symbol: "triangle",
    symbolSize: 13,
    itemStyle: { color: look.alert, borderColor: look.surface, borderWidth: 1 },
  });

  function lineStops(spec) {
    const points = spec.series.flatMap((one) =>
      one.spots.filter((spot) => spot.y !== null).map((spot) => ({ ...spot, at: [middle(spot), spot.y] })),
    );
    const marks = spec.marks.map((mark) => ({ ...mark, at: [mark.x, null] }));
    return [...points, ...marks].sort((a, b) => a.at[0] - b.at[0]);
  }

  function lines(spec, look, view) {
    const many = spec.series.length > 1;
    const drawn = spec.series.map((one, place) => lineSeries(one, place, look, many));
    const labels = labelsOf(spec, view, look);
    if (drawn.length) marked(drawn[0], spec, look, view, labels);
    const option = {
      ...base(spec, look, { legend: many, top: 14 + labels.high + (spec.y_name ? 14 : 0), zooms: spec.axis === "time" }),
      xAxis: alongAxis(spec, look, view),
      yAxis: { ...upAxis(spec, look), nameGap: 15 + labels.high }, // above the words of marks
      dataZoom: spec.axis === "time" ? zoom(spec, look, view) : [],
      series: [...spec.series.flatMap((one) => (one.beside ? [] : limits(one.spots, look))), ...drawn],
    };
    option.legend.data = drawn.map((one) => one.name);
    option.grid.bottom += spec.axis === "number" ? 24 : namesUnder(spec);
    return { option, stops: lineStops(spec) };
  }

  // --- stack: classes over time --------------------------------------------------------------------------------------

  function stack(spec, look, view) {
    const drawn = spec.series.map((one, place) => ({
      type: "bar",
      name: one.name,
      stack: "all",
      silent: true,
      emphasis: { disabled: true },
      barCategoryGap: "12%",
      itemStyle: { color: toneOf(one, place, look), borderColor: look.surface, borderWidth: 0.5 },
      data: one.spots.map((spot) => [middle(spot), spot.y]),
    }));
    const labels = labelsOf(spec, view, look);
    if (drawn.length) marked(drawn[0], spec, look, view, labels);
    const option = {
      ...base(spec, look, { legend: true, top: 14 + labels.high, zooms: true }),
      xAxis: alongAxis(spec, look, view),
      yAxis: upAxis(spec, look),
      dataZoom: zoom(spec, look, view),
      series: drawn,
    };
    option.grid.bottom += namesUnder(spec);
    return { option, stops: stackStops(spec) };
  }

  // A bar's part is found at its middle, above the parts below it.
  function stackStops(spec) {
    const below = new Map();
    const stops = [];
    for (const one of spec.series) {
      for (const spot of one.spots) {
        const x = middle(spot);
        const under = below.get(x) ?? 0;
        below.set(x, under + (spot.y ?? 0));
        if (spot.y) stops.push({ ...spot, at: [x, under + spot.y / 2] });
      }
    }
    const marks = spec.marks.map((mark) => ({ ...mark, at: [mark.x, null] }));
    return [...stops, ...marks].sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
  }

  // --- Pareto ----------------------------------------------------------------------------------------------------------

  const BESIDE = 96; // pixels of both value axes beside upright bars
  const ROW = 24; // pixels of a bar that lies
  const ABOVE = 96; // pixels of legend and value axes around lying bars
  const MOST_LINES = 3; // of a name under its bar

  // Bars stand while every name has room under its own, by whole words; else they lie, and names stand before them.
  function namesOf(names, look, width) {
    const room = (width - BESIDE) / names.length - 8;
    const longest = Math.max(...widths(names.flatMap((name) => name.split(/\s+/)), look));
    const whole = Math.max(...widths(names, look));
    const label = { ...axisText(look), color: look.ink, interval: 0 };
    const stands = { ...label, formatter: (name) => wrapped(name, room, look) };
    if (longest <= room && whole <= MOST_LINES * room * 0.8) return { lies: false, label: stands };
    return { lies: true, label: { ...label, width: Math.min(whole + 2, width * 0.4), overflow: "truncate" } };
  }

  // The library would break a word that it measures wider than we do.
  function wrapped(name, room, look) {
    const lines = [];
    for (const word of name.split(/\s+/)) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (lines.length && widthOf(longer, look) <= room) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines.join("\n");
  }

  function pareto(spec, look, view) {
    const names = spec.bars.map((bar) => bar.name);
    const { lies, label } = namesOf(names, look, view.width);
    const bars = spec.bars.map((bar, place) => ({
      value: bar.count,
      itemStyle: { color: toneOf(bar, place, look) },
    }));
    const quiet = { silent: true, emphasis: { disabled: true } };
    const counts = spec.bars.map((bar) => bar.before);
    const compared = counts.some((count) => count !== undefined);
    const grey = { color: look.soft, itemStyle: { color: look.soft, opacity: 0.55 } };
    const before = compared ? [{ type: "bar", name: spec.before_name, ...grey, ...quiet, data: counts }] : [];
    const up = upAxis({ ...spec, unit: "" }, look);
    const share = { ...up, max: 100, interval: 25, splitLine: { show: false }, axisLabel: { ...axisText(look), formatter: "{value} %" } };
    const along = {
      type: "category",
      data: names,
      inverse: lies,
      axisLabel: label,
      axisLine: { lineStyle: { color: look.edge } },
      axisTick: { show: false },
    };
    const option = {
      ...base(spec, look, { legend: true, top: 8, zooms: false }),
      xAxis: lies ? [up, share] : along,
      yAxis: lies ? along : [up, share],
      series: [
        { type: "bar", name: spec.count_name, color: look.first, ...quiet, barCategoryGap: "30%", barGap: "10%", data: bars },
        ...before,
        {
          type: "line",
          name: spec.share_name,
          ...quiet,
          [lies ? "xAxisIndex" : "yAxisIndex"]: 1,
          color: look.ink,
          symbol: "diamond",
          symbolSize: 8,
          lineStyle: { width: 1.5 },
          data: spec.bars.map((bar) => bar.share),
        },
      ],
    };
    if (lies) option.grid.right = 28; // half of "100 %"
    const stops = spec.bars.map((bar, place) => ({ ...bar, at: lies ? [bar.count, place] : [place, bar.count] }));
    return { option, stops, lies, height: lies ? names.length * ROW + ABOVE : undefined };
  }

  // --- heat: place across the width against time -------------------------------------------------------------------------

  function heat(spec, look) {
    const values = spec.cells.map((cell) => cell[2]).filter((value) => value !== null);
    const option = {
      ...base(spec, look, { legend: false, top: 0, zooms: false }),
      xAxis: {
        type: "category",
        data: spec.columns,
        axisLabel: { ...axisText(look), hideOverlap: true, interval: (_place, words) => words !== "" },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      yAxis: {
        type: "category",
        data: spec.rows,
        name: spec.y_name,
        nameLocation: "end",
        nameTextStyle: { ...axisText(look), align: "left", padding: [0, 0, 0, -64] },
        axisLabel: { ...axisText(look), hideOverlap: true },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      visualMap: {
        min: 0,
        max: Math.max(...values, 0.01),
        calculable: false,
        orient: "horizontal",
        left: "right",
        top: 0,
        itemWidth: 12,
        itemHeight: 120,
        precision: 1,
        text: [`${look.number(Math.max(...values, 0), spec)} ${spec.unit}`, `0 ${spec.unit}`],
        textStyle: axisText(look),
        inRange: { color: [look.cold, look.alert] },
      },
      series: [
        {
          type: "heatmap",
          silent: true,
          emphasis: { disabled: true },
          itemStyle: { borderColor: look.surface, borderWidth: 1 },
          data: spec.cells.filter((cell) => cell[2] !== null).map((cell) => cell.slice(0, 3)),
        },
      ],
    };
    option.grid.top = 44;
    option.aria.decal.show = false; // its colours are one scale, and every cell says its figure
    const stops = spec.cells
      .filter((cell) => cell[2] !== null)
      .map(([column, row, , words, url]) => ({ at: [column, row], words, url }));
    return { option, stops: stops.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]) };
  }

  // --- colours: the page's own tokens, as they are in the theme that is drawn ------------------------------------------------

  const TOKENS = { ink: "ink", soft: "soft", hair: "hair", edge: "edge", surface: "surface", alert: "alert" };
  const MORE = { alertInk: "alert-ink", wash: "plot-wash", shade: "plot-shade", cold: "plot-cold" };

  function lookOf(element, scheme) {
    const probe = document.createElement("span");
    probe.hidden = true;
    if (scheme) probe.style.colorScheme = scheme;
    element.append(probe);
    const read = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const named = Object.entries({ ...TOKENS, ...MORE }).map(([key, name]) => [key, read(name)]);
    const palette = Array.from({ length: 8 }, (_, place) => read(`plot-${place + 1}`));
    probe.remove();
    const number = (value, spec) => new Intl.NumberFormat(spec.language, { maximumFractionDigits: 1 }).format(value);
    const font = getComputedStyle(element).fontFamily;
    return { ...Object.fromEntries(named), palette, first: palette[0], font, number };
  }

  const KINDS = { control: lines, series: lines, stack, pareto, heat };

  // view: {from, to, width, isPaper}: the stretch of the x axis that is shown, the room in pixels, and whether it is printed.
  // `lies`: its points stand below one another; `height`: the pixels that it needs then.
  const draw = (spec, look, view) => KINDS[spec.kind](spec, look, view);

  Object.assign(P, { draw, lookOf });
})();
