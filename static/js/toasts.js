// Short messages, gone after 7 s unless somebody is reading them.
import { icon } from "./page.js";

const SECONDS = 7;
const place = document.getElementById("toasts");

/** `tone`: info, success, warning or danger. */
export function toast(message, tone = "success", more = "") {
  if (!place || !message) return;
  const bad = tone === "danger" || tone === "warning";
  const box = document.createElement("div");
  box.className = bad ? "toast toast--bad" : "toast";
  const words = document.createElement("div");
  for (const text of [message, more].filter(Boolean)) {
    const line = document.createElement("p");
    line.textContent = text;
    words.append(line);
  }
  box.append(icon(bad ? "bad" : tone === "info" ? "info" : "ok"), words, dismissal());
  place.append(box);
}

function dismissal() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn--bare btn--small";
  button.dataset.dismiss = "";
  const word = document.createElement("span");
  word.className = "vh";
  word.textContent = "Dismiss";
  button.append(icon("dismiss"), word);
  return button;
}

// The same life for those that an answer brought as HTML.
function live(box) {
  const held = () => box.matches(":hover, :focus-within");
  const end = () => (held() ? setTimeout(end, 2000) : box.remove());
  setTimeout(end, SECONDS * 1000);
}

if (place) {
  [...place.children].forEach(live);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.matches?.(".toast")) live(node);
  }).observe(place, { childList: true });
  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) event.target.closest(".toast").remove();
  });
}

document.addEventListener("toast", (event) => toast(event.detail?.message, event.detail?.tone));
