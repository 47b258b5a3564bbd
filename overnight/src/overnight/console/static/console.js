// What plain pages lack: they follow the ledger, keys work, charts are drawn. Without it everything still works.
"use strict";

// --- live: when the ledger has changed, the content is asked for again, unless somebody is at work in it
const busy = (main) =>
  main.querySelector("textarea:focus, input:focus, select:focus, details[open] form") || document.querySelector("dialog[open]");
const SAID = 15000; // milliseconds for which what a button did is said at least: pressing it changes the ledger
const APART = 1500; // milliseconds between two askings
let asked = false, again = false;
function follow() {
  const main = document.querySelector("main[data-live]");
  again = asked;
  if (!main || busy(main) || document.hidden || asked) return;
  asked = true;
  setTimeout(() => { asked = false; if (again) follow(); }, APART);
  const address = new URL(location.href);
  if (performance.now() > SAID) ["done", "refused"].forEach((name) => address.searchParams.delete(name));
  htmx.ajax("GET", address.pathname + address.search, { target: "#main", select: "#main", swap: "outerMorph" }).then(draw);
}
// While the answer was under way, somebody may have begun something.
document.addEventListener("htmx:before:swap", (event) => busy(document.getElementById("main")) && event.preventDefault());
document.addEventListener("changed", follow);
document.addEventListener("visibilitychange", follow);

// --- keys
let going = false;
function move(by) {
  const rows = [...document.querySelectorAll("table.rows tbody tr")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.hasAttribute("data-at"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  rows.forEach((row) => row.removeAttribute("data-at"));
  next.setAttribute("data-at", "");
  next.scrollIntoView({ block: "nearest" });
}
const help = () => document.getElementById("keys").showModal();
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const { key } = event;
  if (going) {
    going = false;
    const link = document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
    if (link) link.click();
  } else if (key === "g") going = true;
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "Enter") document.querySelector("tr[data-at] a")?.click();
  else if (key === "?") help();
  else if (key === "/") {
    document.querySelector("[data-search]")?.focus();
    event.preventDefault();
  }
});
document.addEventListener("click", (event) => event.target.closest("[data-help]") && help());

// --- charts: a figure holds its numbers as JSON: {"unit", "labels": [...], "x": [seconds], "y": [[…], …], "marks": [[x, text]]}
const colours = ["--calm", "--look", "--well", "--act"];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function mark(u, moments, chart) {
  for (const moment of moments) {
    const value = Math.max(...chart.y.map((line) => line[chart.x.indexOf(moment)] ?? -Infinity));
    u.ctx.beginPath();
    u.ctx.arc(u.valToPos(moment, "x", true), u.valToPos(value, "y", true), 7 * devicePixelRatio, 0, 2 * Math.PI);
    u.ctx.strokeStyle = colour("--act");
    u.ctx.lineWidth = 2.5 * devicePixelRatio;
    u.ctx.stroke();
  }
}
function draw() {
  for (const figure of document.querySelectorAll(".chart[data-chart]")) {
    const said = figure.dataset.chart;
    if (figure.drawn === said && figure.querySelector("canvas")) continue;
    figure.drawn = said;
    figure.querySelector(".uplot")?.remove();
    const chart = JSON.parse(said);
    const marks = new Map(chart.marks || []);
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    new uPlot(
      {
        width: figure.clientWidth - 26, height: 190, cursor: { y: false },
        scales: { x: { time: true, range: [chart.from, Date.now() / 1000] } },
        axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick == null ? "" : tick + (chart.unit || ""))) }],
        series: [{}, ...chart.labels.map((label, i) => ({
          label, stroke: colour(colours[i % 4]), width: 2, spanGaps: false,
          points: { show: true, size: 5, fill: colour(colours[i % 4]) },
        }))],
        hooks: { draw: [(u) => mark(u, [...marks.keys()], chart)] },
      },
      [chart.x, ...chart.y],
      figure,
    );
  }
}
document.addEventListener("DOMContentLoaded", draw);
addEventListener("resize", () => { document.querySelectorAll(".chart").forEach((f) => (f.drawn = null)); draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("resize")));
