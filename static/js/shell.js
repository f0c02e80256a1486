// Theme, tools, search, panes, confirmations, toasts: what stands around every page.
const root = document.documentElement;
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}")["X-CSRFToken"] || "";

function switchTheme(button) {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  fetch(button.dataset.themeUrl, {
    method: "POST",
    headers: { "X-CSRFToken": csrf(), "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ theme: root.dataset.theme }),
    redirect: "manual",
  });
}

function toggleTools(button) {
  const nav = button.closest("nav");
  if (nav.matches(":popover-open")) return nav.hidePopover();
  const shut = document.body.dataset.tools === "closed";
  document.body.dataset.tools = shut ? "open" : "closed";
  button.setAttribute("aria-expanded", String(shut));
  localStorage.setItem("tools", document.body.dataset.tools);
}

let opener = null;
function openDialog(dialog, from) {
  if (!dialog || dialog.open) return;
  opener = from || document.activeElement;
  dialog.showModal();
}

// A pane that the server rendered open becomes modal, so that Esc and focus work as in one.
function adoptOpenPane() {
  const pane = document.querySelector("dialog[data-modal][open]");
  if (pane) { pane.removeAttribute("open"); pane.showModal(); }
}

function confirmed(form) {
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-title").textContent = form.dataset.confirm;
  document.getElementById("confirm-text").textContent = form.dataset.confirmText || "";
  const yes = document.getElementById("confirm-yes");
  yes.textContent = form.dataset.confirmVerb || "Go on";
  yes.className = form.dataset.confirmDanger === undefined ? "btn btn--main" : "btn btn--danger";
  return new Promise((resolve) => {
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    openDialog(dialog, document.activeElement);
  });
}

export function toast(message, tone = "ok") {
  const box = document.createElement("div");
  box.className = tone === "danger" || tone === "warning" ? "toast toast--bad" : "toast";
  const text = document.createElement("p");
  text.textContent = message;
  const spot = document.createElement("span");
  box.append(spot, text);
  document.getElementById("toasts")?.append(box);
  let timer = setTimeout(() => box.remove(), 7000);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => { timer = setTimeout(() => box.remove(), 3000); });
}

document.addEventListener("click", async (event) => {
  const hit = event.target.closest("[data-open],[data-close],[data-theme-url],[data-toggle-tools],[aria-disabled='true'],[data-copy]");
  if (!hit) return;
  if (hit.getAttribute("aria-disabled") === "true") { event.preventDefault(); event.stopImmediatePropagation(); return; }
  if (hit.dataset.open) {
    openDialog(document.getElementById(hit.dataset.open), hit);
    if (hit.dataset.bell !== undefined) document.body.dispatchEvent(new CustomEvent("fabric:bell"));
  }
  if (hit.dataset.close !== undefined) closePane(hit.closest("dialog"));
  if (hit.dataset.themeUrl) switchTheme(hit);
  if (hit.dataset.toggleTools !== undefined) toggleTools(hit);
  if (hit.dataset.copy) { await navigator.clipboard?.writeText(document.getElementById(hit.dataset.copy).textContent); toast("Copied"); }
}, true);

function closePane(dialog) {
  dialog?.close();
  if (dialog?.dataset.back) location.assign(dialog.dataset.back);
}

// Forms and htmx elements that have a consequence ask first.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset?.confirm || form.dataset.sure) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await confirmed(form))) return;
  form.dataset.sure = "yes";
  form.requestSubmit(event.submitter);
  delete form.dataset.sure;
}, true);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (!button || button.dataset.sure || button.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await confirmed(button))) return;
  button.dataset.sure = "yes";
  button.click();
  delete button.dataset.sure;
}, true);

document.addEventListener("close", (event) => {
  if (event.target.matches?.("dialog") && opener?.isConnected) opener.focus();
}, true);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if ((event.key === "/" && !typing) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey))) {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (event.key === "?" && !typing) {
    openDialog(document.getElementById("help"));
  } else if (event.ctrlKey && event.altKey && event.key.toLowerCase() === "a") {
    document.querySelector(".cmdbar .cmd")?.focus();
  } else if (event.target.closest?.("[role=toolbar]") && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
    moveInToolbar(event);
  }
});

function moveInToolbar(event) {
  const commands = [...event.target.closest("[role=toolbar]").querySelectorAll(".cmd")].filter((c) => c.offsetParent);
  const at = commands.indexOf(event.target.closest(".cmd"));
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: commands.length - 1 }[event.key];
  commands[(to + commands.length) % commands.length]?.focus();
  event.preventDefault();
}

document.addEventListener("input", (event) => {
  if (event.target.dataset?.searchTools === undefined) return;
  const words = event.target.value.toLowerCase();
  for (const link of document.querySelectorAll(".tools__link")) link.hidden = !link.textContent.toLowerCase().includes(words);
});

// htmx: a pane opens once its content is there; an answer may carry a toast, or the pane's end.
document.addEventListener("htmx:after:swap", () => {
  const pane = document.getElementById("pane");
  if (pane && pane.childElementCount && pane.dataset.wanted) { delete pane.dataset.wanted; openDialog(pane); }
  document.querySelectorAll("[data-mixed]").forEach((box) => { box.indeterminate = true; });
});
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail?.ctx?.sourceElement || event.target;
  if (source?.getAttribute?.("hx-target") === "#pane") { opener = source; document.getElementById("pane").dataset.wanted = "yes"; }
});
document.body.addEventListener("fabric:pane-done", () => document.getElementById("pane")?.close());
document.body.addEventListener("toast", (event) => toast(event.detail?.message ?? "", event.detail?.tone));

if (localStorage.getItem("tools") === "closed") document.body.dataset.tools = "closed";
adoptOpenPane();
