// Tables with rows to choose from: <… id data-grid> around a table whose rows hold
// <input type=checkbox name=id value=…>. The selection is kept by value, so a row that a nudge
// re-reads keeps it. Arrow keys move inside; Tab comes in once and leaves again.
const selections = new Map(); // grid id -> set of values
const anchors = new Map(); // grid id -> value where a range begins
const here = new Map(); // grid id -> id of the row that Tab comes in at

const SELECTABLE = "input[type=checkbox][name=id]";
const selectionOf = (grid) => selections.get(grid.id) ?? selections.set(grid.id, new Set()).get(grid.id);
const boxes = (grid) => [...grid.querySelectorAll(`tbody ${SELECTABLE}`)];
const rowsOf = (grid) => [...grid.querySelectorAll("tbody > tr")].filter((row) => row.querySelector("a, button, input"));
const controls = (row) => [...row.querySelectorAll("a[href], button, input, select")];

function draw(grid) {
  const selection = selectionOf(grid);
  const all = boxes(grid);
  for (const box of all) {
    box.checked = selection.has(box.value);
    box.closest("tr").setAttribute("aria-selected", String(box.checked));
  }
  const on = all.filter((box) => box.checked).length;
  const head = grid.querySelector("thead input[type=checkbox]");
  if (head) { head.checked = on > 0 && on === all.length; head.indeterminate = on > 0 && on < all.length; }
  rove(grid);
}

// One row is a Tab stop; the others are reached by arrows.
function rove(grid) {
  const rows = rowsOf(grid);
  const current = rows.find((row) => row.contains(document.activeElement)) ?? rows.find((row) => row.id && row.id === here.get(grid.id)) ?? rows[0];
  for (const row of rows) for (const control of controls(row)) control.tabIndex = row === current ? 0 : -1;
}

function tell(grid) {
  draw(grid);
  const values = [...selectionOf(grid)];
  document.body.dispatchEvent(new CustomEvent("fabric:selection", { detail: { grid: grid.id, values } }));
}

function set(grid, values, on) {
  const selection = selectionOf(grid);
  for (const value of values) { if (on) selection.add(value); else selection.delete(value); }
  tell(grid);
}

function range(grid, value) {
  const values = boxes(grid).map((box) => box.value);
  const [from, to] = [values.indexOf(anchors.get(grid.id)), values.indexOf(value)].sort((a, b) => a - b);
  return from < 0 ? [value] : values.slice(from, to + 1);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-grid] input[type=checkbox]");
  if (!box) return;
  const grid = box.closest("[data-grid]");
  if (box.closest("thead")) { set(grid, boxes(grid).map((one) => one.value), box.checked); return; }
  if (!box.matches(SELECTABLE)) return;
  set(grid, event.shiftKey ? range(grid, box.value) : [box.value], box.checked);
  anchors.set(grid.id, box.value);
});

function moveTo(row, like, grid) {
  if (!row) return;
  here.set(grid.id, row.id);
  const there = controls(row);
  there.forEach((one) => { one.tabIndex = 0; });
  (there[Math.min(like, there.length - 1)])?.focus();
  rove(grid);
}

function arrow(event, grid, row) {
  const rows = rowsOf(grid);
  const at = rows.indexOf(row);
  const to = {
    ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: rows.length - 1,
  }[event.key];
  if (to === undefined) return false;
  const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
  const like = Math.max(0, controls(row).indexOf(event.target));
  moveTo(next, like, grid);
  const box = next.querySelector(SELECTABLE);
  if (event.shiftKey && box) {
    if (!anchors.has(grid.id)) anchors.set(grid.id, row.querySelector(SELECTABLE)?.value);
    set(grid, range(grid, box.value), true);
  }
  return true;
}

function act(event, grid, row) {
  const box = row.querySelector(SELECTABLE);
  if (event.key === " " && box && !event.target.matches("button, input, select")) {
    set(grid, [box.value], !box.checked);
  } else if (event.key === "Enter" && event.target.matches("input")) {
    row.querySelector(".grid__name")?.click();
  } else if (event.key === "a" && (event.ctrlKey || event.metaKey) && !event.altKey && box) {
    set(grid, boxes(grid).map((one) => one.value), true);
  } else if (event.key === "Escape" && selectionOf(grid).size) {
    set(grid, [...selectionOf(grid)], false);
  } else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-grid] tbody > tr");
  if (!row || event.target.matches("select, input[type=text], input[type=search]")) return;
  const grid = row.closest("[data-grid]");
  if (arrow(event, grid, row) || act(event, grid, row)) event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-grid] tbody > tr");
  if (!row) return;
  here.set(row.closest("[data-grid]").id, row.id);
  rove(row.closest("[data-grid]"));
});

const all = () => document.querySelectorAll("[data-grid]");
document.addEventListener("htmx:after:swap", () => all().forEach(draw));
// What can't be seen can't be acted on: rows that a filter or another page hides lose their mark.
document.addEventListener("htmx:after:swap", (event) => {
  const grid = event.detail.ctx?.target?.closest?.("[data-grid]");
  if (!grid || grid !== event.detail.ctx.target) return;
  const shown = new Set(boxes(grid).map((box) => box.value));
  const lost = [...selectionOf(grid)].filter((value) => !shown.has(value));
  if (lost.length) set(grid, lost, false);
});
all().forEach((grid) => {
  boxes(grid).forEach((box) => { if (box.checked) selectionOf(grid).add(box.value); });
  draw(grid);
});

// Fields of a filter that narrow nothing stay out of the address.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form.filters")) return;
  for (const name of new Set(event.formData.keys())) {
    if (event.formData.getAll(name).every((value) => value === "")) event.formData.delete(name);
  }
});
