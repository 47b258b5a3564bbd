// An entry is dragged to another day: with the mouse anywhere, by touch at its grip. What the drag does is what the form
// of its menu does; without this script, and by keyboard, the menu moves it.
"use strict";

const FAR = 6; // pixels from which a press is a drag and no click
const EDGE = 60; // pixels from an edge of the window within which the page scrolls
let drag = null;

const dayAt = (x, y) => document.elementFromPoint(x, y)?.closest("[data-day]");

function lift() {
  const { entry, x, y } = drag;
  const { left, top, width } = entry.getBoundingClientRect();
  const ghost = entry.cloneNode(true);
  ghost.classList.add("ghost");
  ghost.inert = true;
  ghost.style.width = `${width}px`;
  document.body.append(ghost);
  entry.classList.add("lifted");
  document.body.classList.add("dragging");
  Object.assign(drag, { ghost, dx: left - x, dy: top - y });
}

function over(day) {
  document.querySelector("[data-day].over")?.classList.remove("over");
  day?.classList.add("over");
}

function end() {
  if (!drag) return;
  drag.ghost?.remove();
  drag.entry.classList.remove("lifted");
  document.body.classList.remove("dragging");
  over(null);
  drag = null;
}

function drop(entry, day) {
  if (!day || day === entry.closest("[data-day]")) return;
  const form = entry.querySelector("form.to-any");
  form.noValidate = true; // the place without a day is a place, too
  form.elements.due.value = day.dataset.day;
  form.requestSubmit();
}

document.addEventListener("pointerdown", (event) => {
  const entry = event.target.closest("[data-move]");
  if (!entry || event.button !== 0 || event.target.closest(".menu")) return;
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
  over(dayAt(x, y));
  if (y < EDGE) scrollBy(0, -12);
  else if (y > innerHeight - EDGE) scrollBy(0, 12);
});

document.addEventListener("pointerup", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { entry, ghost } = drag;
  const day = ghost ? dayAt(event.clientX, event.clientY) : null;
  end();
  if (!ghost) return;
  // The click that ends a drag opens no link.
  const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
  drop(entry, day);
});

document.addEventListener("pointercancel", end);
document.addEventListener("keydown", (event) => event.key === "Escape" && end());
// A page that is made anew would take the entry from under the pointer.
document.addEventListener("htmx:before:swap", (event) => drag && event.preventDefault());
