// Panes, dialogs and confirmations. What opened one has the focus again when it closes.
const openers = new WeakMap();

/** Opens a <dialog> as a modal one; `from` gets the focus back (unless given: what has it now). */
export function openDialog(dialog, from = document.activeElement) {
  if (!dialog || dialog.open) return;
  openers.set(dialog, { from, id: from?.id, address: location.href });
  dialog.showModal();
}

function closed(dialog) {
  const before = openers.get(dialog);
  openers.delete(dialog);
  if (!before) return;
  // A swap may have put another element with the same id in the opener's place.
  const from = before.from?.isConnected ? before.from : before.id && document.getElementById(before.id);
  from?.focus?.();
  // A pane with an address of its own was pushed over the page that is still there below it.
  const below = dialog.dataset.back ? new URL(dialog.dataset.back, location.href).href : before.address;
  if (dialog.id === "pane" && location.href !== below) history.replaceState(null, "", below);
  if (dialog.id === "pane") dialog.replaceChildren();
}

document.addEventListener("close", (event) => {
  if (event.target.matches?.("dialog")) closed(event.target);
}, true);

document.addEventListener("click", (event) => {
  const open = event.target.closest("[data-open]");
  if (open) {
    openDialog(document.getElementById(open.dataset.open), open);
    if (open.dataset.bell !== undefined) document.body.dispatchEvent(new CustomEvent("fabric:bell"));
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  // What only tells something goes with a click beside it; what is being filled in stays.
  if (event.target.matches("dialog[data-light][open]") && !inside(event.target, event)) event.target.close();
});

function inside(dialog, event) {
  if (!event.clientX && !event.clientY) return true; // made by a key
  const box = dialog.getBoundingClientRect();
  return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
}

// ---- the right pane: whatever is asked into #pane opens it
let asking = null;
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail?.ctx?.sourceElement;
  if (source?.getAttribute?.("hx-target") === "#pane" && !source.closest("#pane")) asking = { source, address: location.href };
});
document.addEventListener("htmx:after:swap", () => {
  const pane = document.getElementById("pane");
  if (!asking || !pane?.childElementCount) return;
  openDialog(pane, asking.source);
  if (openers.has(pane)) openers.get(pane).address = asking.address;
  asking = null;
});
document.addEventListener("fabric:pane-done", () => document.getElementById("pane")?.close());

// One that the server rendered open becomes a modal one, so that Esc and focus work as in any.
const given = document.querySelector("dialog[data-modal][open]");
if (given) {
  given.removeAttribute("open");
  openDialog(given, document.getElementById("content"));
}

// What is under way keeps moving in an open bell.
document.addEventListener("fabric:operation", () => {
  if (document.getElementById("notices")?.open) document.body.dispatchEvent(new CustomEvent("fabric:bell"));
});

// ---- consequences: the things named, the verb on the button
const put = (id, text) => { document.getElementById(id).textContent = text; };

function ask({ confirm, confirmText = "", confirmVerb = "Go on", confirmThings = "", confirmName = "", confirmDanger }) {
  const dialog = document.getElementById("confirm");
  const yes = document.getElementById("confirm-yes");
  const name = document.getElementById("confirm-name");
  put("confirm-title", confirm);
  put("confirm-text", confirmText);
  document.getElementById("confirm-things").replaceChildren(...confirmThings.split("|").filter(Boolean).map((thing) => {
    const item = document.createElement("li");
    item.textContent = thing;
    return item;
  }));
  yes.textContent = confirmVerb;
  yes.className = confirmDanger === undefined && !confirmName ? "btn btn--main" : "btn btn--danger";
  name.closest(".field").hidden = !confirmName;
  put("confirm-name-label", `Type ${confirmName} to confirm`);
  name.value = "";
  name.oninput = () => yes.setAttribute("aria-disabled", String(Boolean(confirmName) && name.value.trim() !== confirmName));
  name.oninput();
  return new Promise((resolve) => {
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    openDialog(dialog);
  });
}

async function asked(event, element, again) {
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await ask(element.dataset))) return;
  element.dataset.sure = "";
  again();
  delete element.dataset.sure;
}
const unsure = (element) =>
  element?.dataset.confirm && element.dataset.sure === undefined && element.getAttribute("aria-disabled") !== "true";

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter?.dataset.confirm ? event.submitter : form;
  if (unsure(button)) asked(event, button, () => form.requestSubmit(event.submitter));
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (button && button.type !== "submit" && unsure(button)) asked(event, button, () => button.click());
}, true);
// Enter in the field for the name is no way around it.
document.getElementById("confirm")?.addEventListener("submit", (event) => {
  if (document.getElementById("confirm-yes").getAttribute("aria-disabled") === "true" && event.submitter?.value === "yes") event.preventDefault();
});
