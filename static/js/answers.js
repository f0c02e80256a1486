// Answers of htmx that aren't the part that was asked for: refusals, faults, an ended session.
import { toast } from "./toasts.js";

// A whole page in place of a part: the session ended, so this page asks for a sign-in itself.
document.addEventListener("htmx:before:response", (event) => {
  const raw = event.detail.ctx.response.raw;
  if (raw.redirected && new URL(raw.url).pathname.startsWith("/sign-in")) {
    event.preventDefault();
    location.reload();
  }
});

// A refusal that comes as a page of its own is told in words; one that comes as a part is swapped.
// What reads itself again stays as it is, whatever the words: a server that starts has plain ones.
document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  const source = ctx.sourceElement;
  const isLive = source?.matches?.("[data-nudge], [data-live]");
  if (!isLive && !/^\s*(<!doctype|<html|\{)/i.test(ctx.text)) return;
  ctx.swap = "none";
  if (!isLive) toast(...said(ctx));
  else if (ctx.response.status === 404 && source.matches("tr[data-nudge], li[data-nudge]")) source.remove();
});

function said(ctx) {
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  const problem = page.querySelector("[data-problem]");
  const words = (selector) => problem?.querySelector(selector)?.textContent.trim() ?? "";
  return [words("[data-detail]") || `The portal couldn’t do that (${ctx.response.status}).`, "danger", words("[data-hint]")];
}

let told = 0;
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.sourceElement?.matches?.("[data-nudge], [data-live]")) return;
  if (Date.now() - told < 10000) return;
  told = Date.now();
  toast("The portal doesn’t answer.", "danger", "What you see may be old. Nothing was changed unless it says so.");
});
