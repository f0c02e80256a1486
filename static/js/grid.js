// Tables with rows to choose from: selection that survives a swap, arrow keys, commands that follow.
const chosen = new Map(); // grid id -> set of row values

const picks = (grid) => [...grid.querySelectorAll("tbody input[name=id]")];
const setOf = (grid) => chosen.get(grid.id) ?? chosen.set(grid.id, new Set()).get(grid.id);

function show(grid) {
  const set = setOf(grid);
  for (const box of picks(grid)) {
    box.checked = set.has(box.value);
    box.closest("tr").setAttribute("aria-selected", String(box.checked));
  }
  const all = grid.querySelector("thead input[type=checkbox]");
  if (all) {
    const on = picks(grid).filter((box) => box.checked).length;
    all.checked = on > 0 && on === picks(grid).length;
    all.indeterminate = on > 0 && !all.checked;
  }
}

function tell(grid) {
  const values = picks(grid).filter((box) => box.checked).map((box) => box.value);
  setOf(grid).clear();
  values.forEach((value) => setOf(grid).add(value));
  show(grid);
  document.body.dispatchEvent(new CustomEvent("fabric:selection", { detail: { grid: grid.id, values } }));
}

let last = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-grid] input[type=checkbox]");
  if (!box) return;
  const grid = box.closest("[data-grid]");
  if (box.closest("thead")) picks(grid).forEach((one) => { one.checked = box.checked; });
  else if (event.shiftKey && last?.isConnected) {
    const boxes = picks(grid);
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
  }
  last = box.closest("thead") ? null : box;
  tell(grid);
});

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-grid] tbody tr");
  if (!row || !["ArrowDown", "ArrowUp", "Home", "End", "Enter", " "].includes(event.key)) return;
  if (event.target.matches("a, button, select") && ["Enter", " "].includes(event.key)) return;
  if (event.target.matches("input") && event.key === " ") return;
  const rows = [...row.parentElement.children].filter((one) => one.querySelector("input[name=id], a"));
  const at = rows.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) { row.querySelector(".grid__name")?.click(); }
  else (rows[Math.max(0, Math.min(rows.length - 1, to))].querySelector("input[name=id], a"))?.focus();
  event.preventDefault();
});

function restore() { document.querySelectorAll("[data-grid]").forEach((grid) => { if (chosen.has(grid.id)) show(grid); }); }
document.addEventListener("htmx:after:swap", restore);
