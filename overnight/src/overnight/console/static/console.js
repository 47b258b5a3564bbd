// What plain pages lack: they follow the ledger, times tick, keys work, a search answers while one types, charts are
// drawn. Without it everything still works.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- live: when the ledger has changed, the content is asked for again, unless somebody is at work in it
const busy = (main) =>
  main.querySelector("textarea:focus, input:focus, select:focus, details[open] form, details.menu[open], [aria-grabbed=true]") ||
  document.querySelector("dialog[open], .ask:popover-open, .side:popover-open");
const APART = 1500; // milliseconds between two askings
let asked = false, again = false;
function follow() {
  const main = document.querySelector("main[data-live]");
  again = asked;
  if (!main || busy(main) || document.hidden || asked) return;
  asked = true;
  setTimeout(() => { asked = false; if (again) follow(); }, APART);
  htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", selectOOB: "#entries,#quick", swap: "outerMorph" }).then(draw);
}
// While the answer was under way, somebody may have begun something.
document.addEventListener("htmx:before:swap", (event) => {
  const ours = (event.detail?.ctx?.target || {}).id === "main";
  if (ours && busy(document.getElementById("main"))) event.preventDefault();
});
document.addEventListener("changed", follow);
document.addEventListener("visibilitychange", follow);

// --- what a button did: said once, so that a page that is loaded again does not say it again
const DONE_FOR = 12000; // milliseconds; what was refused stays until somebody closes it
function say() {
  const toasts = document.querySelector(".toasts");
  const address = new URL(location.href);
  ["done", "refused"].forEach((name) => address.searchParams.delete(name));
  if (address.href !== location.href) history.replaceState(history.state, "", address);
  for (const said of [...toasts.children]) {
    toasts.append(said); // put in anew, so that a screen reader says it
    if (said.matches("[role=status]")) setTimeout(() => said.matches(":hover, :focus-within") || said.remove(), DONE_FOR);
  }
}
document.addEventListener("click", (event) => {
  const close = event.target.closest(".toasts .close");
  if (!close) return;
  event.preventDefault();
  close.closest(".said").remove();
});

// --- times: in the words of `ago` in templates.py, by the clock of the server
const DAY = 86400, DAYS_AGO = 30;
const span = (s) => (s < 60 ? `${Math.floor(s)} s` : s < 3600 ? `${Math.floor(s / 60)} min` : s < DAY ? `${Math.floor(s / 3600)} h`
  : `${Math.floor(s / DAY)} day${s < 2 * DAY ? "" : "s"}`);
let skew = 0; // milliseconds by which this clock is ahead
function tick() {
  for (const time of all("time[data-ago]")) {
    const seconds = (Date.now() - skew - Date.parse(time.dateTime)) / 1000;
    if (Math.abs(seconds) >= DAYS_AGO * DAY) continue;
    const text = seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(tick, 10000);

// --- keys
let going = false;
const rows = () => all("table.rows tbody tr, .cards > *, [data-row]").map((row) => row.matches("a") ? row : row.querySelector("a")).filter(Boolean);
function move(by) {
  const links = rows();
  if (!links.length) return;
  const at = links.findIndex((link) => link === document.activeElement || link.closest("tr, .cards > *, [data-row]")?.contains(document.activeElement));
  const next = links[Math.max(0, Math.min(links.length - 1, at + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
const show = (id) => document.getElementById(id)?.showModal();
document.addEventListener("keydown", (event) => {
  const { key } = event;
  const palette = document.getElementById("palette");
  if ((event.ctrlKey || event.metaKey) && key === "k" && palette && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    return seek();
  }
  if (key === "Escape") {
    // The browser takes the focus out of a dialog a moment after it has closed it: keys would be lost in between.
    if (document.activeElement?.closest("dialog[open]")) document.activeElement.blur();
    return close();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  if (going) {
    going = false;
    all("#keys a[data-key]").find((link) => link.dataset.key === key)?.click();
  } else if (key === "g") going = true;
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "?") show("keys");
  else if (key === "/" && palette) {
    event.preventDefault();
    seek();
  }
});
document.addEventListener("click", (event) => {
  close(event.target);
  if (event.target.closest("[data-help]")) {
    document.querySelector(".side:popover-open")?.hidePopover();
    show("keys");
  } else if (event.target.closest("[data-palette]") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    seek();
  } else if (event.target.id === "palette") event.target.close(); // beside what is in it
});

// --- menus of more actions close as those of other programs do
function close(target) {
  for (const menu of all("details.menu[open]")) {
    if (target && menu.contains(target)) continue;
    if (!target) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

// --- search: a form answers while one types; the arrows go through what it found
let query = null;
function seek() {
  show("palette");
  const form = document.querySelector("#palette form");
  form.elements.q.select();
  find(form);
}
const results = (form) => form.parentElement.querySelector(".found");
async function find(form) {
  query?.abort();
  query = new AbortController();
  const place = results(form), patience = setTimeout(() => place.setAttribute("aria-busy", "true"), 200);
  try {
    const answer = await fetch(`/search?${new URLSearchParams({ q: form.elements.q.value })}`, { signal: query.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...(page.querySelector(".found") || page.querySelector("main")).childNodes);
  } catch (error) {
    if (error.name !== "AbortError") form.submit(); // its own page says what is wrong
  } finally {
    clearTimeout(patience);
    place.removeAttribute("aria-busy");
  }
}
let pause;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-seek]");
  if (!form) return;
  clearTimeout(pause);
  pause = setTimeout(() => find(form), 120);
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest("#palette, main")?.querySelector("form[data-seek]");
  if (!form || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const places = [form.elements.q, ...all("a", results(form))];
  const at = places.indexOf(event.target);
  if (at < 0) return;
  event.preventDefault();
  places[Math.max(0, Math.min(places.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
});

// --- what takes a moment shows that it is under way, and is not asked for twice
const PATIENCE = 300, LONG = 10000; // milliseconds until content gives way to a skeleton, and until it comes back
const main = () => document.getElementById("main");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || link.target || link.download || link.getAttribute("href").includes("#")) return;
  setTimeout(() => main().setAttribute("aria-busy", "true"), PATIENCE);
  setTimeout(() => main().removeAttribute("aria-busy"), LONG);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.hasAttribute("data-sent")) event.preventDefault();
  form.setAttribute("data-sent", "");
});
addEventListener("pageshow", () => {
  main().removeAttribute("aria-busy");
  all("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
});

// --- charts: a figure holds its numbers as JSON: {"kind", "unit", "from", "to", "labels", "x": [seconds], "y": [[…], …], "marks": [[x, text]]}
const colours = ["--calm", "--look", "--well", "--act"];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const amount = (value, unit) => (value == null ? "–" : compact.format(value) + (unit || ""));
const instant = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const hour = instant({ hour: "2-digit", minute: "2-digit" }), day = instant({ day: "numeric", month: "short" });
const month = instant({ month: "short", year: "numeric" }), exact = instant({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
function moments(_, splits, __, ___, step) {
  const format = step >= 28 * DAY ? month : step >= DAY ? day : hour;
  return splits.map((at) => (format === hour && at % DAY === 0 ? day : format).format(at * 1000));
}
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
const looks = (chart, paint) => chart.kind === "bars"
  ? { stroke: paint, fill: paint, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 48] }) }
  : { stroke: paint, width: 2, spanGaps: false, points: { show: chart.x.length <= 40, size: 5, fill: paint } };
function plot(figure) {
  const data = figure.dataset.chart;
  if (figure.drawn === data && figure.querySelector("canvas")) return;
  figure.drawn = data;
  figure.querySelector(".uplot")?.remove();
  const place = figure.querySelector(".plot") || figure;
  const chart = JSON.parse(data);
  const marks = new Map(chart.marks || []);
  const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  new uPlot(
    {
      width: place.clientWidth - (place === figure ? 26 : 0), height: 190, cursor: { y: false },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: { x: { time: true, range: [chart.from, chart.to || Date.now() / 1000] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.12 : 1] } },
      axes: [{ ...axis, values: moments }, { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => amount(tick, chart.unit)) }],
      series: [
        { label: "UTC", value: (_, at) => (at == null ? "–" : exact.format(at * 1000)) },
        ...chart.labels.map((label, i) => ({ label, value: (_, value) => amount(value, chart.unit), ...looks(chart, colour(colours[i % 4])) })),
      ],
      hooks: { draw: [(u) => mark(u, [...marks.keys()], chart)] },
    },
    [chart.x, ...chart.y],
    place,
  );
}
function draw() {
  const now = document.querySelector("main[data-now]");
  if (now && now.dataset.now !== draw.now) skew = Date.now() - Date.parse((draw.now = now.dataset.now));
  tick();
  all(".chart[data-chart]").forEach(plot);
}
document.addEventListener("DOMContentLoaded", () => { say(); draw(); });
addEventListener("resize", () => { all(".chart").forEach((figure) => (figure.drawn = null)); draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("resize")));
