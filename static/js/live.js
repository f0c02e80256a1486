// Nudges: the server says what changed, and whatever shows it reads it again.
//
//   data-nudge="vm:<id> operation"  names what an element shows: one thing, or all of a kind. It gets
//                                   the event `nudge` (hx-get … hx-trigger="nudge").
//   data-nudge-new="operation"      a list: reads itself again when a thing of that kind isn't in it yet.
//   data-live                       read again after the stream was away.
//   fabric:<kind> on <body>         for hx-trigger="fabric:operation from:body"; detail.ids
//
// Where the stream is down, what is under way ([aria-busy], [data-live]) is read every five seconds.
const KINDS = ["operation", "vm", "host", "attestation", "cluster", "library", "deployment", "audit"];
const address = document.body.dataset.events;
const GATHER = 150; // ms: a burst is read once
const POLL = 5000;
const AWAY = 60000; // ms in a background tab after which the stream is given back

let stream = null;
let up = false;
let wanted = new Set();
let timer = 0;
let missed = false;

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
  missed = false;
  for (const element of document.querySelectorAll("[data-nudge], [data-nudge-new], [data-live]")) {
    if (!element.parentElement.closest("[data-live]")) read(element);
  }
  document.body.dispatchEvent(new CustomEvent("fabric:operation", { detail: { ids: [] } }));
}

function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource(address);
  for (const kind of KINDS) stream.addEventListener(kind, (event) => nudged(kind, JSON.parse(event.data).id));
  stream.addEventListener("resync", catchUp);
  stream.addEventListener("open", () => { up = true; if (missed) catchUp(); });
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

if (address) {
  let away = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    if (document.hidden) { away = setTimeout(rest, AWAY); return; }
    connect();
    if (wanted.size) flush();
  });
  setInterval(() => {
    if (!up && !document.hidden) document.querySelectorAll("[data-nudge][aria-busy=true], [data-live]").forEach(read);
  }, POLL);
  connect();
}
