"use strict";

// Everything on the page is there without this script. It lets tables be sorted, opens what is printed or
// linked to, and nothing else.

const told = document.getElementById("told");

for (const table of document.querySelectorAll("table.sortable")) {
  const rows = [...table.tBodies[0].rows]; // in the order of the study
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, rows, heads, column));
    head.append(button);
  });
}

/** The column's own direction first, then the other, then the order of the study. */
function sort(table, rows, heads, column) {
  const head = heads[column];
  const first = head.dataset.first ?? "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const now = head.getAttribute("aria-sort");
  const next = now === null ? first : now === first ? second : null;
  for (const other of heads) other.removeAttribute("aria-sort");
  if (next) head.setAttribute("aria-sort", next);
  const sorted = next ? [...rows].sort((a, b) => compared(a.cells[column], b.cells[column], next)) : rows;
  table.tBodies[0].append(...sorted);
  told.textContent = next ? `Sorted by ${head.textContent}, ${next}` : "In the order of the study";
}

/** Empty cells come last whatever the direction. */
function compared(a, b, direction) {
  const [left, right] = [keyOf(a), keyOf(b)];
  if (left === null || right === null) return (left === null) - (right === null);
  const order = typeof left === "number" && typeof right === "number"
    ? left - right
    : String(left).localeCompare(String(right), undefined, { numeric: true });
  return direction === "ascending" ? order : -order;
}

function keyOf(cell) {
  if (!cell || cell.colSpan > 1) return null;
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.textContent.trim() || null;
}

function openLinked() {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const closed = linked?.closest("details:not([open])");
  if (!closed) return;
  closed.open = true;
  linked.scrollIntoView();
}

addEventListener("hashchange", openLinked);
openLinked();

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const closed of opened) closed.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
