// Nudges: the server says what changed, and whatever shows it reads it again.
//
//   data-nudge="vm:<id> operation"  names what an element shows: one thing, or all of a kind. It gets
//                                   the event `nudge` (hx-get … hx-trigger="nudge").
//   data-nudge-new="operation"      a list: reads itself again when a thing of that kind isn't in it yet.
//   data-live                       read again after the stream was away.
//   fabric:<kind> on <body>         for hx-trigger="fabric:operation from:body"; detail.ids
//
// No nudge is missed for good. All is read again when the stream is back, after the page was hidden or
// the machine asleep, and when the server says that it heard nothing for a while. A stream that is
// silent, without even its heartbeat, is given up. A read that fails is tried again. Where the stream
// is down, what is under way ([aria-busy], [data-live]) is read every five seconds; where it is up,
// what is under way is read every minute all the same, and everything every five: who changed a row
// may have died before it could say so.
const KINDS = ["operation", "vm", "host", "attestation", "cluster", "library", "deployment", "audit"];
const address = document.body.dataset.events;
const GATHER = 150; // ms: a burst is read once
const POLL = 5000;
const AWAY = 60000; // ms in a background tab after which the stream is given back
const SILENT = 40000; // ms: two heartbeats and more
const SURE = 60000; // ms between reads of what is under way that nobody asked for …
const WHOLE = 300000; // … and of everything

let stream = null;
let up = false;
let wanted = new Set();
let timer = 0;
let missed = false;
let heard = 0; // Date.now() goes on while a machine sleeps
let sure = Date.now();
let whole = Date.now();

// Progress comes many times a second; nobody reads faster than this.
const OFTEN = 600;
const readAt = new WeakMap();
const later = new Set();

function read(element) {
  const wait = (readAt.get(element) ?? 0) + OFTEN - performance.now();
  if (wait <= 0) {
    readAt.set(element, performance.now());
    element.dispatchEvent(new CustomEvent("nudge"));
  } else if (!later.has(element)) {
    later.add(element);
    setTimeout(() => { later.delete(element); if (element.isConnected) read(element); }, wait);
  }
}
const showing = (key) => document.querySelectorAll(`[data-nudge~="${CSS.escape(key)}"]`);

function flush() {
  timer = 0;
  if (document.hidden) return; // read when somebody looks
  const keys = wanted;
  wanted = new Set();
  const elements = new Set();
  const ids = {};
  for (const key of keys) {
    const [kind, id] = key.split(" ");
    (ids[kind] ??= []).push(id);
    for (const name of [`${kind}:${id}`, kind]) showing(name).forEach((one) => elements.add(one));
  }
  for (const kind of Object.keys(ids)) {
    for (const list of document.querySelectorAll(`[data-nudge-new~="${kind}"]`)) {
      if (ids[kind].some((id) => !list.querySelector(`[data-nudge~="${CSS.escape(`${kind}:${id}`)}"]`))) elements.add(list);
    }
  }
  elements.forEach(read);
  for (const kind of Object.keys(ids)) {
    document.body.dispatchEvent(new CustomEvent(`fabric:${kind}`, { detail: { ids: ids[kind] } }));
  }
}

function nudged(kind, id) {
  wanted.add(`${kind} ${id}`);
  timer ||= setTimeout(flush, GATHER);
}

// The outermost of what shows something: what is inside comes with it.
function catchUp() {
  missed = !up; // without a stream more is missed at once
  sure = whole = Date.now();
  for (const element of document.querySelectorAll("[data-nudge], [data-nudge-new], [data-live]")) {
    if (!element.parentElement.closest("[data-live]")) read(element);
  }
  document.body.dispatchEvent(new CustomEvent("fabric:operation", { detail: { ids: [] } }));
}

function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource(address);
  heard = Date.now();
  const on = (name, act) => stream.addEventListener(name, (event) => { heard = Date.now(); act(event); });
  for (const kind of KINDS) on(kind, (event) => nudged(kind, JSON.parse(event.data).id));
  on("heartbeat", () => {});
  on("resync", catchUp);
  on("open", () => { up = true; if (missed) catchUp(); });
  stream.addEventListener("error", () => {
    up = false;
    missed = true;
    // The browser connects again by itself, except after an answer that isn't a stream.
    if (stream?.readyState === EventSource.CLOSED) { stream = null; setTimeout(connect, 3 * POLL); }
  });
}

function rest() {
  stream?.close();
  stream = null;
  up = false;
  missed = true;
}

function again() {
  rest();
  connect();
}

const isSilent = () => Date.now() - heard > SILENT;
const underWay = (more) => document.querySelectorAll(`[data-nudge][aria-busy=true]${more}`);

function look() {
  if (document.hidden) return;
  if (stream && isSilent()) again();
  if (up && Date.now() - whole > WHOLE) { catchUp(); return; }
  if (up && Date.now() - sure < SURE) return;
  sure = Date.now();
  underWay(up ? "" : ", [data-live]").forEach(read);
}

// What couldn't be read is still old: the portal was restarting, or the way to it was cut.
function tryAgain(event) {
  const { ctx } = event.detail;
  const element = ctx?.sourceElement;
  if (!element?.matches?.("[data-nudge], [data-nudge-new], [data-live]") || ctx.sourceEvent?.type !== "nudge") return;
  const status = ctx.response?.status ?? 0;
  if (status && status < 500 && status !== 429) return; // an answer that stays so
  setTimeout(() => { if (element.isConnected) read(element); }, POLL);
}

if (address) {
  let away = 0;
  document.addEventListener("htmx:error", tryAgain);
  document.addEventListener("htmx:response:error", tryAgain);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) { away = setTimeout(rest, AWAY); return; }
    if (!stream || isSilent()) { again(); return; }
    if (wanted.size) flush();
    catchUp();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) again(); });
  addEventListener("online", again);
  setInterval(look, POLL);
  connect();
}
