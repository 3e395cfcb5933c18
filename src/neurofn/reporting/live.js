"use strict";
(() => {
  const EVERY = 2000, SLOWEST = 15000, QUIET = 60;
  const SVG = "http://www.w3.org/2000/svg";
  const at = (selector) => document.querySelector(selector);
  let data = null, tag = "", wait = EVERY, timer = 0, drift = 0, lost = false;

  // --- Making elements: texts are only ever set as texts --------------------------------------------------------
  function make(name, attributes = {}, ...inside) {
    const drawn = ["svg", "path", "text", "line", "g"].includes(name);
    const element = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...inside);
    return element;
  }
  const coded = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));

  function number(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return value.toExponential(1).replace("-", "−").replace("e+", "e").replace("e-", "e−");
    const places = Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
    return value.toLocaleString("en", { maximumFractionDigits: Math.min(5, places) }).replace("-", "−");
  }

  // --- Curves ----------------------------------------------------------------------------------------------------
  // A scale maps [from, to] to [start, end]; a logarithmic one where `log`.
  function scale([from, to], [start, end], log = false) {
    const by = log ? Math.log10 : (x) => x;
    const width = by(to) - by(from) || 1;
    return (x) => start + ((by(x) - by(from)) / width) * (end - start);
  }
  function range(curves, log) {
    const all = curves.flatMap((one) => [...(one.low ?? one.mean), ...(one.high ?? one.mean)]);
    const known = all.filter((y) => y !== null && (!log || y > 0));
    if (!known.length) return log ? [0.1, 1] : [0, 1];
    let low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
    if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
    return [low, high];
  }
  function path(x, y, toX, toY, { log = false, stepped = false, logX = false } = {}) {
    let made = "", pen = false, before = 0;
    x.forEach((step, i) => {
      const missing = y[i] === null || (log && y[i] <= 0) || (logX && step <= 0);
      if (missing) { pen = false; return; }
      const right = toX(step).toFixed(1), up = toY(y[i]).toFixed(1);
      made += !pen ? `M${right} ${up}h0.01` : stepped ? `L${right} ${before}L${right} ${up}` : `L${right} ${up}`;
      pen = true; before = up;
    });
    return made;
  }
  function band(one, toX, toY, options) {
    if (!one.low) return "";
    const known = one.x.map((_, i) => i).filter((i) => one.low[i] !== null && !(options.log && one.low[i] <= 0) && !(options.logX && one.x[i] <= 0));
    if (known.length < 2) return "";
    const pairs = (name, places) => places.map((i) => `${toX(one.x[i]).toFixed(1)} ${toY(one[name][i]).toFixed(1)}`);
    return `M${[...pairs("high", known), ...pairs("low", known.slice().reverse())].join("L")}z`;
  }
  const spread = (one) => one.low && one.low.some((low, i) => low !== one.high[i]);

  // --- Small tiles -----------------------------------------------------------------------------------------------
  const still = (curve) => curve.x.length > 2 && !spread(curve) && curve.mean.every((y) => y === curve.mean[0]);
  function tile(curve, title) {
    const log = false, width = 200, height = 46;
    const reach = range([curve], log);
    const toX = scale([curve.x[0], curve.x[curve.x.length - 1]], [0, width]), toY = scale(reach, [height - 2, 2], log);
    const now = curve.last;
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, preserveAspectRatio: "none", role: "img",
      "aria-label": `${curve.name}: now ${number(now)}, from ${number(reach[0])} to ${number(reach[1])}` });
    svg.append(make("path", { class: "rule", d: `M0 ${height - 0.5}H${width}` }));
    if (spread(curve)) svg.append(make("path", { class: "band", d: band(curve, toX, toY, { log }) }));
    svg.append(make("path", { class: "line", d: path(curve.x, curve.mean, toX, toY, { log }) }));
    const shown = make("b", {}, number(now)), from = `${number(reach[0])} to ${number(reach[1])}`;
    const ends = make("p", { class: "ends" }, make("span", {}, from));
    follow(svg, curve, (i) => {
      shown.textContent = i < 0 ? number(now) : number(curve.mean[i]);
      ends.firstChild.textContent = i < 0 ? from : `step ${number(curve.x[i])}`;
    });
    return make("div", { class: "tile" }, make("p", { title: curve.instrument }, make("span", {}, title), shown), svg, ends);
  }
  function follow(svg, curve, tell, toStep = null) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
      const step = toStep ? toStep(event.clientX - box.left) : curve.x[0] + share * (curve.x[curve.x.length - 1] - curve.x[0]);
      tell(nearest(curve.x, step));
    });
    svg.addEventListener("pointerleave", () => tell(-1));
  }
  function nearest(x, step) {
    let best = 0;
    x.forEach((one, i) => { if (Math.abs(one - step) < Math.abs(x[best] - step)) best = i; });
    return best;
  }
  function strip(one) {
    const bins = one.columns[0]?.length ?? 0, canvas = make("canvas", { width: one.columns.length, height: bins, role: "img",
      "aria-label": `${one.name} of the neurons, from ${number(one.range[0])} to ${number(one.range[1])}, over the steps` });
    paint(canvas, one);
    const ends = make("p", { class: "ends" }, make("span", {}, `${number(one.range[0])} to ${number(one.range[1])}`));
    return make("div", { class: "tile" }, make("p", { title: one.instrument }, make("span", {}, `each neuron's ${one.name}`)), canvas, ends);
  }
  function paint(canvas, one) {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--series-1").trim();
    one.columns.forEach((column, x) => [...column].forEach((digit, y) => {
      if (digit === "0") return;
      pen.globalAlpha = 0.15 + (0.85 * Number(digit)) / 9;
      pen.fillRect(x, canvas.height - 1 - y, 1, 1);
    }));
  }

  // --- Loss and stairs -------------------------------------------------------------------------------------------
  function drawLoss() {
    const section = at("#loss"), place = section.querySelector(".curves");
    section.hidden = !data.losses.length && !data.ranks.length;
    if (section.hidden) return;
    at("#loss-title").textContent = !data.losses.length ? "Stairs" : data.ranks.length ? "Loss and stairs" : "Loss";
    const logX = at("#log-steps").checked;
    const every = [...data.losses, ...data.ranks], ruled = data.ranks.slice().reverse().find((one) => one.rises.length);
    const rises = ruled ? ruled.rises : [];
    const steps = every.flatMap((one) => one.x).filter((x) => !logX || x > 0);
    const reach = [steps.reduce((a, b) => Math.min(a, b), Infinity), steps.reduce((a, b) => Math.max(a, b), -Infinity)];
    if (!steps.length) return;
    const panes = [];
    if (data.losses.length) panes.push(pane(data.losses, { names: data.losses.map((one) => one.name), reach, logX, rises, height: 190, last: !data.ranks.length }));
    if (data.ranks.length) panes.push(pane(data.ranks, { names: data.ranks.map(rankName), reach, logX, rises, height: 120, last: true, stepped: true }));
    place.replaceChildren(...panes.flat());
    section.querySelector(".caption").textContent = ruled
      ? `Dotted lines are steps at which the rank of ${ruled.site} (${ruled.instrument}) was higher than ever before. That the loss falls there too is no proof: neurofn run staircase has the test.`
      : "";
  }
  function rankName(one) {
    const several = data.ranks.filter((other) => other.site === one.site).length > 1;
    return `rank of ${one.site}${several ? " " + one.instrument.replace(/^[^(]*/, "") : ""}`;
  }
  function pane(curves, { names, reach, logX, rises, height, last, stepped = false }) {
    const width = Math.max(240, at("#loss .curves").clientWidth), left = 46, foot = last ? 20 : 6;
    const all = range(curves, false), log = !stepped && all[0] > 0 && all[1] / all[0] > 8;
    const span = log ? range(curves, true) : all;
    const toX = scale(reach, [left, width - 8], logX), toY = scale(span, [height - foot, 8], log), options = { log, stepped, logX };
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": names.join(", ") });
    for (const y of ticks(span, log, 4)) {
      svg.append(make("path", { class: "rule", d: `M${left} ${toY(y).toFixed(1)}H${width - 8}` }));
      svg.append(make("text", { class: "tick", x: left - 6, y: toY(y) + 4, "text-anchor": "end" }, number(y)));
    }
    for (const x of last ? ticks(reach, logX, width < 500 ? 3 : 6) : []) {
      svg.append(make("text", { class: "tick", x: toX(x), y: height - 4, "text-anchor": toX(x) > width - 40 ? "end" : "middle" }, number(x)));
    }
    const near = rises.filter((x) => x >= reach[0] && x <= reach[1]);
    svg.append(make("path", { class: "rise", d: near.map((x) => `M${toX(x).toFixed(1)} 4V${height - foot}`).join("") }));
    const cursor = make("path", { class: "cursor", d: "" });
    const keys = curves.map((one, i) => {
      const group = make("g", { class: `s${(i % 4) + 1}` });
      if (spread(one) && !stepped) group.append(make("path", { class: "band", d: band(one, toX, toY, options) }));
      group.append(make("path", { class: "line", d: path(one.x, one.mean, toX, toY, options) }));
      svg.append(group);
      return { value: make("b", {}, number(one.last)), one };
    });
    svg.append(cursor);
    const back = scale([left, width - 8], logX ? reach.map(Math.log10) : reach);
    follow(svg, curves[0], (i) => {
      cursor.setAttribute("d", i < 0 ? "" : `M${toX(curves[0].x[i]).toFixed(1)} 4V${height - foot}`);
      for (const { value, one } of keys) {
        const j = i < 0 ? one.x.length - 1 : nearest(one.x, curves[0].x[i]);
        value.textContent = i < 0 ? number(one.last) : `${number(one.mean[j])} at step ${number(one.x[j])}`;
      }
    }, (x) => (logX ? 10 ** back(x) : back(x)));
    const legend = make("ul", { class: "legend" }, ...keys.map(({ value }, i) => {
      const mark = make("svg", { viewBox: "0 0 28 14", width: 28, height: 14, "aria-hidden": "true" }, make("path", { d: "M0 7h28" }));
      return make("li", { class: `s${(i % 4) + 1}` }, mark, make("span", {}, names[i]), value);
    }));
    return [legend, svg];
  }
  function ticks([low, high], log, count) {
    if (log) {
      const powers = [];
      for (let p = Math.ceil(Math.log10(low) - 1e-9); p <= Math.log10(high) + 1e-9; p++) powers.push(10 ** p);
      const thin = Math.ceil(powers.length / count);
      if (powers.length >= 2) return powers.filter((_, i) => i % thin === 0);
      return [low, high];
    }
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough)), share = rough / power;
    const step = power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10), found = [];
    for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-9; x += step) found.push(Number(x.toPrecision(12)));
    return found;
  }

  // --- Alarms ----------------------------------------------------------------------------------------------------
  const SIGNS = { alarm: "!", warning: "△", note: "i" };
  function drawAlarms() {
    const section = at("#alarms"), list = section.querySelector(".findings");
    const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.rule));
    const told = data.findings.filter((one) => one.kind in SIGNS);
    list.replaceChildren(...told.map((one) => finding(one, open.has(one.rule))));
    const calm = data.findings.find((one) => one.kind === "nothing"), untold = data.findings.filter((one) => one.kind === "cannot tell");
    at("#calm").hidden = !calm;
    at("#calm").textContent = calm ? calm.title : "";
    at("#untold").hidden = !untold.length;
    at("#untold summary").textContent = `The record cannot tell of ${untold.length} more`;
    at("#untold ul").replaceChildren(...untold.map((one) => make("li", {}, `${one.rule}: needs `, make("code", {}, one.instrument))));
    document.title = document.title.replace(/^(\(\d+\) )?/, told.some((one) => one.kind === "alarm") ? `(${told.length}) ` : "");
  }
  function finding(one, open) {
    const seed = (piece) => (piece.seed < 0 ? "" : `, seed ${piece.seed}`);
    const evidence = one.evidence.map((piece) => make("li", {}, make("code", {}, piece.site || "the training"), ` at step ${number(piece.step)}${seed(piece)}: ${piece.words}`));
    if (one.more) evidence.push(make("li", {}, `and ${one.more} more of the kind`));
    const more = make("details", { "data-rule": one.rule, ...(open ? { open: "" } : {}) }, make("summary", {}, "What to try, and what would speak against it"),
      make("ul", { class: "advice" }, ...one.advice.map((text) => make("li", {}, ...coded(text)))),
      make("p", {}, `Confidence ${one.confidence}; against it would be: `, ...coded(one.doubt), "."),
      make("p", {}, [one.instrument, one.source].filter(Boolean).join(" · ")));
    const sign = make("span", { "aria-hidden": "true" }, SIGNS[one.kind]);
    return make("li", { class: `finding is-${one.kind}` }, make("p", { class: "word" }, sign, ` ${one.kind}`),
      make("div", {}, make("h3", {}, one.title), make("ul", { class: "evidence" }, ...evidence), more));
  }

  // --- Layers ----------------------------------------------------------------------------------------------------
  function drawLayers() {
    const section = at("#layers"), wanted = at("#only").value.trim().toLowerCase();
    const flags = new Map();
    for (const one of data.findings.filter((each) => each.kind in SIGNS)) {
      for (const piece of one.evidence) flags.set(piece.site, new Set([...(flags.get(piece.site) ?? []), one.rule]));
    }
    section.hidden = !data.layers.length;
    at("#layers .switch").hidden = data.layers.length < 6;
    const shown = data.layers.filter((one) => one.site.toLowerCase().includes(wanted));
    section.querySelector(".sites").replaceChildren(...shown.map((one) => {
      const size = one.neurons ? [make("span", {}, `${number(one.neurons)} neurons`)] : [];
      const flagged = flags.has(one.site) ? [make("span", { class: "flag" }, [...flags.get(one.site)].join(", "))] : [];
      const moving = one.curves.filter((curve) => !still(curve)), resting = one.curves.filter(still);
      const words = resting.map((curve) => `${titled(curve, one.curves)} ${number(curve.mean[0])}`);
      return make("div", { class: "site" }, make("h3", {}, make("code", {}, one.site || "the training"), ...size, ...flagged),
        make("div", { class: "tiles" }, ...one.strips.map(strip), ...moving.map((curve) => tile(curve, titled(curve, one.curves)))),
        ...(words.length ? [make("p", { class: "resting" }, `Constant: ${words.join(" · ")}`)] : []));
    }));
    const most = Math.max(0, ...data.layers.map((one) => one.strips.length + one.curves.filter((curve) => !still(curve)).length));
    section.querySelector(".sites").className = `sites${most <= 1 ? " one" : most === 2 ? " two" : ""}`;
    const thinned = data.layers.some((one) => one.curves.some(spread));
    const seeds = data.seeds > 1 ? `Lines are means and bands the range of ${data.seeds} seeds and of the steps between two points. `
      : thinned ? "Lines are means of neighbouring steps, bands their range. " : "";
    const strips = data.layers.some((one) => one.strips.length) ? "Strips show how the neurons of a layer are spread over the values, low at the bottom; each column is a step. " : "";
    section.querySelector(".caption").textContent = strips + seeds + (data.left_out ? `Not shown: ${data.left_out}.` : "");
  }

  // A reading by its name, and by its instrument where two have one of that name.
  function titled(curve, others) {
    const alike = others.filter((one) => one.name === curve.name);
    if (alike.length < 2) return curve.name;
    const family = curve.instrument.split("(")[0], unlike = alike.every((one) => one === curve || one.instrument.split("(")[0] !== family);
    return unlike ? `${curve.name} (${family})` : `${curve.name} ${curve.instrument.slice(family.length)}`;
  }

  // --- Asking ----------------------------------------------------------------------------------------------------
  function ago(seconds) {
    if (seconds < 2) return "just now";
    if (seconds < 90) return `${Math.round(seconds)} s ago`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
  }
  function tell() {
    const state = at("#state");
    if (lost) {
      state.className = "trouble";
      state.textContent = "The server does not answer; it may have been stopped. Trying again.";
      return;
    }
    if (!data) return;
    const age = Math.max(0, Date.now() / 1000 + drift - data.written), quiet = age > QUIET;
    const said = {
      missing: "Nothing is there yet. The page begins when the record does.",
      empty: "The record is there and has no readings yet.",
      unreadable: "The record cannot be read just now; what was read before stays. Trying again.",
      growing: "",
    }[data.state];
    const steps = data.steps?.length ? `Step ${number(data.steps[1])}, written ${ago(age)}${quiet ? "; the training has ended or stands still" : ""}.` : "";
    const text = [said, steps].filter(Boolean).join(" ");
    if (state.textContent !== text) state.textContent = text;
    state.className = data.state === "unreadable" ? "trouble" : data.state === "growing" && !quiet ? "growing" : "";
    at("#problems").hidden = !data.problems.length;
    at("#problems").replaceChildren(...data.problems.map((one) => make("li", {}, one)));
  }
  function draw() {
    at("main").hidden = !data.steps?.length;
    if (at("main").hidden) return;
    drawAlarms(); drawLoss(); drawLayers();
  }
  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      const now = Date.parse(answer.headers.get("Date"));
      if (now) drift = (now - Date.now()) / 1000;
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        data = await answer.json();
        tag = answer.headers.get("ETag") ?? "";
        draw();
      }
      lost = false; wait = EVERY;
    } catch {
      lost = true; wait = Math.min(SLOWEST, wait * 1.6);
    }
    tell();
    timer = setTimeout(ask, wait);
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  at("#log-steps").addEventListener("change", drawLoss);
  at("#only").addEventListener("input", drawLayers);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && draw());
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width && data?.steps?.length) { width = innerWidth; drawLoss(); } });
  ask();
})();
