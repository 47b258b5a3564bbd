// An entry is dragged to another day, an idea to another place in the order: with the mouse anywhere, by touch at its grip.
// What the drag does is what a form of the entry does; without this script, and by keyboard, its buttons do it.
"use strict";

const FAR = 6; // pixels from which a press is a drag and no click
const EDGE = 60; // pixels from an edge of the window within which the page scrolls
let drag = null;

const PLACES = "[data-day], [data-place]";
const placeAt = (x, y) => document.elementFromPoint(x, y)?.closest(PLACES);

function lift() {
  const { entry, x, y } = drag;
  const { left, top, width } = entry.getBoundingClientRect();
  const ghost = entry.matches("tr") ? document.createElement("div") : entry.cloneNode(true);
  if (entry.matches("tr")) ghost.textContent = entry.cells[0].innerText;
  ghost.classList.add("entry", "ghost");
  ghost.inert = true;
  ghost.style.width = `${width}px`;
  document.body.append(ghost);
  entry.classList.add("lifted");
  document.body.classList.add("dragging");
  Object.assign(drag, { ghost, dx: left - x, dy: top - y });
}

function over(place) {
  document.querySelector(".over")?.classList.remove("over");
  place?.classList.add("over");
}

function end() {
  if (!drag) return;
  drag.ghost?.remove();
  drag.entry.classList.remove("lifted");
  document.body.classList.remove("dragging");
  over(null);
  drag = null;
}

function drop(entry, place) {
  if (!place || place === entry.closest(PLACES)) return;
  if (place.dataset.place) order(entry, place);
  else move(entry, place);
}

function order(entry, place) {
  const form = entry.querySelector("form.order");
  const isBelow = entry.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING;
  const to = { type: "hidden", name: "to", value: isBelow ? "after" : "before" };
  form.append(Object.assign(document.createElement("input"), to));
  form.elements.beside.value = place.dataset.place;
  form.requestSubmit();
}

function move(entry, day) {
  const form = entry.querySelector("form.to-any");
  form.noValidate = true; // the place without a day is a place, too
  form.elements.due.value = day.dataset.day;
  form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const entry = event.target.closest("[data-move]");
  if (!entry || event.button !== 0 || event.target.closest(".menu, button, summary, input")) return;
  if (event.pointerType === "touch" && !event.target.closest(".grip")) return;
  drag = { entry, id: event.pointerId, x: event.clientX, y: event.clientY };
});

document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { clientX: x, clientY: y } = event;
  if (!drag.ghost && Math.hypot(x - drag.x, y - drag.y) < FAR) return;
  if (!drag.ghost) lift();
  event.preventDefault();
  drag.ghost.style.transform = `translate(${x + drag.dx}px, ${y + drag.dy}px)`;
  over(placeAt(x, y));
  if (y < EDGE) scrollBy(0, -12);
  else if (y > innerHeight - EDGE) scrollBy(0, 12);
});

document.addEventListener("pointerup", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { entry, ghost } = drag;
  const place = ghost ? placeAt(event.clientX, event.clientY) : null;
  end();
  if (!ghost) return;
  // The click that ends a drag opens no link.
  const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
  drop(entry, place);
});

document.addEventListener("pointercancel", end);
document.addEventListener("keydown", (event) => event.key === "Escape" && end());
// A page that is made anew would take the entry from under the pointer.
document.addEventListener("htmx:before:swap", (event) => drag && event.preventDefault());
