// Ticks of a time axis in the mill's zone, right across daylight saving, in the page's language.
(() => {
  const P = (window.selvedgePlots ??= {});
  const MINUTE = 60_000;
  const DAY = 1440 * MINUTE;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE);
  const DAYS = [1, 2, 7, 14, 28, 84].map((days) => days * DAY);
  const MONDAY = 4 * DAY; // 1970 began on a Thursday
  const made = new Map();

  // The pages write days before months in plain English too.
  const tongue = (language) => (language === "en" ? "en-GB" : language);

  function writer(language, options) {
    const key = JSON.stringify([language, options]);
    if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(tongue(language), options));
    return made.get(key);
  }

  // The zone's clock, as if it were UTC: a day of it always has 24 hours there.
  function local(at, zone) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" };
    const parts = writer("en-US", { ...numeric, timeZone: zone, hourCycle: "h23" }).formatToParts(at);
    const found = Object.fromEntries(parts.map((part) => [part.type, Number(part.value)]));
    const whole = Date.UTC(found.year, found.month - 1, found.day, found.hour, found.minute);
    return whole + (at - Math.floor(at / MINUTE) * MINUTE);
  }

  // The moment at which the zone's clock shows this; what a clock change leaves out is the moment of the change.
  function moment(clock, zone) {
    const first = clock - (local(clock, zone) - clock);
    return clock - (local(first, zone) - first);
  }

  function starts(from, to, step, zone) {
    const shift = step > DAY ? MONDAY : 0;
    const end = local(to, zone);
    const found = [];
    let clock = Math.ceil((local(from, zone) - shift) / step) * step + shift;
    for (; clock <= end; clock += step) found.push([moment(clock, zone), clock]);
    return found.filter(([at], place) => at >= from && at <= to && (place === 0 || at > found[place - 1][0]));
  }

  // At most `most` round times between two moments, each with its words.
  function ticks(from, to, most, { zone, language }) {
    const wanted = (to - from) / Math.max(most, 1);
    const step = [...STEPS, ...DAYS].find((one) => one >= wanted) ?? DAYS.at(-1);
    const day = writer(language, { day: "numeric", month: "short", timeZone: zone });
    const clock = writer(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
    return starts(from, to, step, zone).map(([at, shown]) => ({
      at,
      words: (step >= DAY || shown % DAY === 0 ? day : clock).format(at),
      isDay: shown % DAY === 0,
    }));
  }

  // A moment as the page's address writes it: the mill's clock, to the minute.
  const written = (at, zone) => new Date(local(at, zone)).toISOString().slice(0, 16);

  function words(at, { zone, language }) {
    const shown = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    return writer(language, { ...shown, timeZone: zone }).format(at);
  }

  Object.assign(P, { ticks, written, words });
})();
