// What the page does beyond links and forms: charts, live updates, "/" for the search, and the demo's sign-in link.
// Everything works without it, except the drawn charts: the same numbers stand in tables.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// ------------------------------------------------------------------ charts

const LANE = 9; // pixels of one row of marks
const DAY = 86400; // seconds
const STEPS = [1, 2, 3, 4, 5, 7, 10, 15, 30, 60, 90, 120, 180, 365, 730, 1825].map((n) => n * DAY);
// From this step on: the label, and what is added where the year begins. 4/3 is April to some and March to others.
const DAYS = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [DAY, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
];

function short(value) {
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e9, "bn"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit) return `${+(value / unit).toFixed(size < 100 * unit ? 1 : 0)} ${letter}`;
  }
  return `${+value.toFixed(1)}`;
}

function draw(holder) {
  const source = holder.querySelector("script");
  if (!source || !window.uPlot) return;
  const data = JSON.parse(source.textContent);
  if (data.x.length < 2) { holder.hidden = true; return; }
  const height = Number(holder.dataset.height);
  const lanes = data.marks.length ? 5 : 0;
  const least = Math.min(0, ...data.series.flatMap((one) => one.values).filter((v) => v !== null));
  const strokes = { main: colour("main"), thin: colour("dim"), bad: colour("bad"), limit: colour("limit") };
  const series = data.series.map((one) => ({
    label: one.label,
    stroke: strokes[one.style],
    width: one.style === "thin" ? 1 : 2,
    dash: one.style === "limit" ? [6, 4] : one.style === "bad" ? [2, 2] : undefined,
    fill: one.style === "main" && data.unit !== "days" ? `${strokes.main}22` : undefined,
    spanGaps: true,
    points: { show: false },
    value: (_, value) => (value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: 1 })),
  }));
  const marks = (plot) => {
    const shades = ["bad", "warn", "good", "main", "limit"].map(colour);
    const context = plot.ctx, ratio = devicePixelRatio;
    context.save();
    for (const mark of data.marks) {
      const x = plot.valToPos(mark.x, "x", true);
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
      const y = plot.bbox.top + plot.bbox.height - (lanes - mark.lane - 0.5) * LANE * ratio;
      context.fillStyle = shades[mark.lane];
      context.beginPath();
      if (mark.lane === 0) { // a triangle: not colour alone
        const size = (2 + mark.severity) * ratio;
        context.moveTo(x, y - size); context.lineTo(x + size, y + size); context.lineTo(x - size, y + size);
      } else context.arc(x, y, 1.8 * ratio, 0, 7);
      context.fill();
    }
    context.restore();
  };
  const dashes = data.series.map((one) => ({ limit: "dashed", bad: "dotted" })[one.style] ?? "solid");
  const axis = { stroke: colour("dim"), grid: { stroke: colour("soft"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const plot = new uPlot({
    width: document.documentElement.classList.contains("paper") ? PAPER : Math.max(240, holder.clientWidth - 12), height,
    legend: { live: true, markers: { dash: (_, n) => dashes[n - 1] } }, // the curves are told apart without colours, too
    cursor: { y: false, points: { size: 6 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    scales: { y: { range: (_, low, high) => {
      const top = Math.max(high ?? 1, 0), bottom = Math.min(low ?? 0, 0), room = (top - bottom || 1) * 0.06;
      // marks stand beneath the curves, not on them
      const share = lanes ? (lanes * LANE + 10) / (height - 60) : 0;
      return [bottom - (bottom < 0 ? room : 0) - ((top - bottom) * share) / (1 - share), top + room];
    } } },
    axes: [{ ...axis, incrs: STEPS, values: DAYS }, { ...axis, size: 52, values: (_, ticks) => ticks.map((t) => (t < least * 1.2 ? "" : short(t))) }],
    series: [{ label: "Day", value: (_, t) => (t === null ? "–" : new Date(t * 1e3).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })) }, ...series],
    hooks: data.marks.length ? { draw: [marks] } : {},
  }, [data.x, ...data.series.map((one) => one.values)], holder);
  holder.plot = plot;
  if (data.marks.length) told(plot, data.marks, lanes);
}

// A mark says what it is when the mouse is on it; those who use no mouse read the timeline beneath.
function told(plot, marks, lanes) {
  plot.over.addEventListener("mousemove", (event) => {
    const box = plot.over.getBoundingClientRect();
    const lane = Math.floor(lanes - (box.bottom - event.clientY) / LANE);
    const near = marks.filter((m) => m.lane === lane && Math.abs(plot.valToPos(m.x, "x") - (event.clientX - box.left)) < 5);
    plot.over.title = near.slice(-4).map((m) => m.text).join("\n");
  });
}

function drawAll(within) {
  for (const holder of within.querySelectorAll(".chart")) if (!holder.plot) draw(holder);
}

const PAPER = 640; // pixels that fit on an upright sheet, A4 or letter, between its margins

function redraw() {
  for (const holder of document.querySelectorAll(".chart")) {
    if (holder.plot) { holder.plot.destroy(); holder.plot = undefined; }
    draw(holder);
  }
}

// A drawn chart keeps the width and the colours that it was drawn with.
function paper(on) {
  document.documentElement.classList.toggle("paper", on);
  redraw();
}

// ------------------------------------------------------------------ live updates

const APART = 4000; // milliseconds between two looks at the server, however much moves
const AIMS = 10_000; // milliseconds for which a mouse that rests on a control is about to click
let looked = 0, waiting = 0, pointed = 0, held = false;

function say(text) {
  const state = document.getElementById("live");
  if (!state || state.textContent === text) return;
  state.textContent = text;
  // That a page is live when it opens is no news; only what changes after that is read out.
  setTimeout(() => state.setAttribute("role", "status"), 1000);
}

// What a click is meant for must not move from under the mouse. A finger aims at nothing until it is down.
addEventListener("pointermove", (event) => {
  const control = event.target.closest?.("main :is(a, button, input, select, label, summary)");
  pointed = event.pointerType === "mouse" && control ? Date.now() : 0;
});
document.documentElement.addEventListener("pointerleave", () => { pointed = 0; });

function aims() {
  if (Date.now() - pointed > AIMS) return false;
  waiting ||= setTimeout(() => look().catch(() => {}), 1000);
  return true;
}

// Nobody loses what he has typed, is selecting, or stands on with the keyboard.
function busy(part) {
  const active = document.activeElement, selection = getSelection();
  if ([...part.querySelectorAll("input:not([type=hidden])")].some((one) => one.value !== one.defaultValue)) return true;
  return part !== active && part.contains(active) || !selection.isCollapsed && selection.containsNode(part, true);
}

function freed() {
  if (held && ![...document.querySelectorAll("[data-live]")].some(busy)) soon();
}

async function look() {
  waiting = 0;
  if (aims()) return;
  looked = Date.now();
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (aims()) return;
  held = false;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now || text(old) === text(now)) continue;
    if (busy(old)) { held = true; continue; }
    now.querySelectorAll("details").forEach((one, n) => { one.open = old.querySelectorAll("details")[n]?.open ?? false; });
    const aside = [...old.querySelectorAll(".wide")].map((one) => one.scrollLeft);
    // The part itself stays: a region that is read out when it changes must have been there before.
    old.classList.remove("fresh");
    for (const holder of old.querySelectorAll(".chart")) holder.plot?.destroy();
    old.replaceChildren(...document.adoptNode(now).childNodes);
    old.querySelectorAll(".wide").forEach((one, n) => { one.scrollLeft = aside[n] ?? 0; });
    drawAll(old);
    void old.offsetWidth; // without it the class that comes again would not begin again
    if (old.dataset.live !== "state") old.classList.add("fresh");
  }
  say(held ? "· live, but what you are working in waits" : "· live");
}

const text = (part) => {
  const copy = part.cloneNode(true);
  copy.querySelectorAll(".uplot, input[type=hidden]").forEach((one) => one.remove());
  copy.querySelectorAll("details").forEach((one) => one.removeAttribute("open"));
  return copy.innerHTML;
};

function soon() {
  if (!waiting) waiting = setTimeout(() => look().catch(() => {}), Math.max(0, looked + APART - Date.now()));
}

function live() {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  let source = null;
  const open = () => {
    source = new EventSource("/live");
    // What was stored since the page was made, or while the connection was lost, no event tells.
    source.onopen = () => { say("· live"); setTimeout(soon, 1500); };
    source.onerror = () => say("· not live: the connection is lost");
    source.addEventListener("moved", soon);
    source.addEventListener("silent", () => say("· not live: the store does not answer"));
  };
  const close = () => { source?.close(); source = null; };
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else if (!source) { open(); soon(); } });
  addEventListener("focusout", () => setTimeout(freed));
  document.addEventListener("selectionchange", freed);
  addEventListener("pagehide", close);
  open();
}

// ------------------------------------------------------------------ keys, sign-in

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  event.preventDefault();
  document.getElementById("find")?.focus();
});

// The link that `bellwether demo` prints carries the token behind a #: it never reaches a server's log.
const form = document.getElementById("login");
if (form && location.hash.length > 1) {
  form.elements.token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", "/login");
  form.submit();
}

drawAll(document);
live();
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
