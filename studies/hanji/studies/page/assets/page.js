"use strict";

// The page is complete without this script, which makes tables sortable and opens details that are linked to or
// printed.

const announcement = document.getElementById("told");

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

/** The column's default direction first, then the other one, then the order of the study. */
function sort(table, rows, heads, column) {
  const head = heads[column];
  const first = head.dataset.first ?? "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const current = head.getAttribute("aria-sort");
  const next = current === null ? first : current === first ? second : null;
  for (const other of heads) other.removeAttribute("aria-sort");
  if (next) head.setAttribute("aria-sort", next);
  const sorted = next ? [...rows].sort((a, b) => compare(a.cells[column], b.cells[column], next)) : rows;
  table.tBodies[0].append(...sorted);
  announcement.textContent = next ? `Sorted by ${head.textContent}, ${next}` : "Sorted in the order of the study";
}

/** Empty cells are last in both directions. */
function compare(a, b, direction) {
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
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
