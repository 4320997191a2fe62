// Draws what stands in data-plot with uPlot, in place of the SVG that is there without a script.
"use strict";

(() => {
  const HEIGHT = 196;
  const COLOURS = { allowed: "--calm", refused: "--stop", often: "--wait", off: "--ink-3" };
  const drawn = new Map();

  // What a custom property comes down to in the colours that are shown.
  function colour(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const locale = document.documentElement.lang || "en";
  const number = new Intl.NumberFormat(locale);

  function wordsFor(by) {
    const day = { day: "numeric", month: "short" };
    const options = by === "day" ? { ...day, year: "numeric", timeZone: "UTC" } : { ...day, hour: "2-digit", minute: "2-digit" };
    const long = new Intl.DateTimeFormat("en-GB", options);
    const short = new Intl.DateTimeFormat("en-GB", by === "day" ? { ...day, timeZone: "UTC" } : day);
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
    return {
      whole: (at) => long.format(at * 1000),
      // Beside hours stands the time, and the day where one begins or where days are far apart.
      tick: (at, step) => (by === "day" || step >= 86400 || new Date(at * 1000).getHours() === 0 ? short : clock).format(at * 1000),
    };
  }

  // Each outcome on top of those before it; the highest is drawn first, so that the others cover its foot.
  function stacked(plot) {
    const sums = [];
    let below = plot.counts[0].map(() => 0);
    for (const counts of plot.counts) {
      below = counts.map((count, place) => count + below[place]);
      // Where there is none of an outcome no bar is drawn, whose edge would shine through.
      sums.push(below.map((sum, place) => (counts[place] ? sum : null)));
    }
    return sums.reverse();
  }

  function tip(box, plot, words) {
    const shown = document.createElement("div");
    shown.className = "plot-tip";
    shown.hidden = true;
    box.append(shown);
    return (self) => {
      const place = self.cursor.idx;
      shown.hidden = place === null || place === undefined || self.cursor.left < 0;
      if (shown.hidden) {
        return;
      }
      const title = document.createElement("b");
      title.textContent = words.whole(plot.since + place * plot.step);
      const lines = plot.outcomes.flatMap((outcome, index) => {
        const count = plot.counts[index][place];
        if (!count && outcome.kind !== "allowed") {
          return [];
        }
        const line = document.createElement("p");
        const swatch = document.createElement("span");
        swatch.className = `swatch ${outcome.kind}`;
        const how = document.createElement("b");
        how.textContent = number.format(count);
        line.append(swatch, outcome.name, how);
        return [line];
      });
      shown.replaceChildren(title, ...lines);
      const left = self.cursor.left + self.bbox.left / devicePixelRatio;
      const right = left > box.clientWidth / 2;
      shown.style.left = right ? "auto" : `${left + 12}px`;
      shown.style.right = right ? `${box.clientWidth - left + 12}px` : "auto";
    };
  }

  function draw(box) {
    drawn.get(box)?.destroy();
    box.querySelectorAll(".plot-tip").forEach((one) => one.remove());
    const plot = JSON.parse(box.dataset.plot);
    const words = wordsFor(plot.by);
    box.dataset.label ??= box.querySelector("svg").getAttribute("aria-label");
    const times = plot.counts[0].map((_, place) => plot.since + (place + 0.5) * plot.step);
    const outcomes = [...plot.outcomes].reverse();
    const ink = colour("--ink-2");
    const line = colour("--line-2");
    const bars = uPlot.paths.bars({ size: [0.8, 48], radius: 0.1 });
    const end = plot.since + times.length * plot.step;
    const axis = { stroke: ink, font: "12px system-ui", ticks: { show: false } };
    box.querySelectorAll("svg, .edges").forEach((one) => one.remove());
    const options = {
      width: box.clientWidth,
      height: HEIGHT,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
      scales: { x: { time: true, range: [plot.since, end] }, y: { range: (_, _low, high) => [0, Math.max(high ?? 0, 1) * 1.05] } },
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 72, values: (_, at, _axis, _space, step) => at.map((one) => words.tick(one, step)) },
        { ...axis, grid: { stroke: line, width: 1 }, size: (_, texts) => 14 + 7 * Math.max(1, ...(texts ?? []).map((one) => one.length)), incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8, 1e9], values: (_, at) => at.map((one) => number.format(one)) },
      ],
      series: [{}, ...outcomes.map((outcome) => ({ fill: colour(COLOURS[outcome.kind]), width: 0, paths: bars, points: { show: false } }))],
      hooks: { setCursor: [tip(box, plot, words)] },
    };
    const made = new uPlot(options, [times, ...stacked(plot)], box);
    made.root.setAttribute("role", "img");
    made.root.setAttribute("aria-label", box.dataset.label);
    drawn.set(box, made);
  }

  const resized = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const width = Math.floor(entry.contentRect.width);
      const made = drawn.get(entry.target);
      if (made && width && width !== made.width) {
        made.setSize({ width, height: HEIGHT });
      }
    }
  });

  function prepare(root) {
    for (const box of root.querySelectorAll("[data-plot]")) {
      if (!drawn.has(box)) {
        draw(box);
        resized.observe(box);
      }
    }
    for (const box of drawn.keys()) {
      if (!box.isConnected) {
        drawn.get(box).destroy();
        drawn.delete(box);
        resized.unobserve(box);
      }
    }
  }

  const again = () => drawn.forEach((_, box) => draw(box));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.addEventListener("htmx:after:swap", () => prepare(document));
  prepare(document);
})();
