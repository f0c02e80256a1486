// What stands around every page: theme, tools, menus, search, keys.
import { csrf, remember, typing } from "./page.js";
import { openDialog } from "./dialogs.js";

const root = document.documentElement;
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

function switchTheme(button) {
  root.dataset.theme = dark() ? "light" : "dark";
  button.setAttribute("aria-pressed", String(dark()));
  remember("theme", root.dataset.theme);
  // The account keeps it for other browsers; this one has it already.
  fetch(button.dataset.theme, {
    method: "POST",
    headers: { "X-CSRFToken": csrf() },
    body: new URLSearchParams({ theme: root.dataset.theme }),
    redirect: "manual",
  });
}

function toggleTools(button) {
  const nav = document.getElementById("tools");
  if (nav.matches(":popover-open")) { nav.hidePopover(); return; }
  const shut = document.body.dataset.tools === "closed";
  document.body.dataset.tools = shut ? "open" : "closed";
  remember("tools", document.body.dataset.tools);
  button.setAttribute("aria-expanded", String(shut));
  button.querySelector(".vh").textContent = shut ? "Collapse tools" : "Expand tools";
}

async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const words = button.querySelector("[data-words]") ?? button;
  const before = words.textContent;
  words.textContent = "Copied";
  setTimeout(() => { words.textContent = before; }, 2000);
}

const ACTIONS = { switchTheme: "[data-theme]", toggleTools: "[data-toggle-tools]", copy: "[data-copy]" };
const DOES = { switchTheme, toggleTools, copy };

document.addEventListener("click", (event) => {
  for (const [name, selector] of Object.entries(ACTIONS)) {
    const button = event.target.closest(`button${selector}`);
    if (button) DOES[name](button);
  }
});

// A command that can't be used keeps its focus and tells why, but does nothing.
document.addEventListener("click", (event) => {
  if (event.target.closest("[aria-disabled='true']")) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

// A tip that covers what is below it goes with Escape and comes back with the next focus.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.closest?.(".tipped")?.setAttribute("data-hushed", "");
});
document.addEventListener("focusout", (event) => event.target.closest?.(".tipped")?.removeAttribute("data-hushed"));

document.addEventListener("input", (event) => {
  if (event.target.dataset?.searchTools === undefined) return;
  const words = event.target.value.trim().toLowerCase();
  for (const link of document.querySelectorAll("#tools .tools__link")) {
    link.hidden = !link.textContent.toLowerCase().includes(words);
  }
  for (const group of document.querySelectorAll("#tools .tools__group")) {
    let next = group.nextElementSibling;
    while (next?.hidden) next = next.nextElementSibling;
    group.hidden = !next?.matches(".tools__link");
  }
});

function search() {
  const input = document.getElementById("search");
  input?.closest("form").classList.add("is-open");
  input?.focus();
  input?.select();
}

// The commands of a bar or a menu: arrows move, Tab leaves.
function moveAmong(event, zone) {
  const commands = [...zone.querySelectorAll(".cmd")].filter((one) => one.checkVisibility());
  const at = commands.indexOf(event.target.closest(".cmd"));
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key] ?? 0;
  const to = { Home: 0, End: commands.length - 1 }[event.key] ?? (at + step + commands.length) % commands.length;
  commands[to]?.focus();
  event.preventDefault();
}

function inZone(event) {
  const menu = event.target.closest?.(".menu");
  if (menu && ["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return menu;
  const bar = event.target.closest?.("[role=toolbar]");
  return bar && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) ? bar : null;
}

document.addEventListener("keydown", (event) => {
  const zone = inZone(event);
  if (zone && !typing(event)) { moveAmong(event, zone); return; }
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if ((key === "/" && !typing(event) && !control) || (key === "k" && control && !event.altKey)) {
    event.preventDefault();
    search();
  } else if (key === "?" && !typing(event)) {
    openDialog(document.getElementById("help"));
  } else if (key === "a" && event.ctrlKey && event.altKey) {
    event.preventDefault();
    document.querySelector("[role=toolbar] .cmd")?.focus();
  }
});

// A menu starts at its first command.
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".menu[popover]") && event.newState === "open") event.target.querySelector(".cmd")?.focus();
}, true);
