// Nudges: the server says which row changed, and whatever shows that row reads it again. Where the
// stream is down, what is under way is read every five seconds instead.
const source = document.body.dataset.events;
let up = false;
let waiting = new Set();
let timer = null;

function flush() {
  timer = null;
  const kinds = new Set();
  for (const key of waiting) {
    const [kind, id] = key.split(" ");
    kinds.add(kind);
    for (const element of document.querySelectorAll(`[data-nudge~="${kind}:${CSS.escape(id)}"]`)) read(element);
  }
  waiting = new Set();
  for (const kind of kinds) {
    for (const element of document.querySelectorAll(`[data-nudge~="${kind}"]`)) read(element);
    document.body.dispatchEvent(new CustomEvent(`fabric:${kind}`));
  }
}

function read(element) { htmx.trigger(element, "nudge"); }

function nudge(kind, id) {
  waiting.add(`${kind} ${id}`);
  timer ??= setTimeout(flush, 120);
}

function connect() {
  const events = new EventSource(source);
  for (const kind of ["operation", "vm", "host", "attestation", "cluster", "library", "deployment"]) {
    events.addEventListener(kind, (event) => {
      const told = JSON.parse(event.data);
      nudge(kind, told.id);
    });
  }
  events.addEventListener("open", () => {
    // What was missed while the stream was down is read once.
    if (up === false) document.querySelectorAll("[data-nudge][aria-busy=true], [data-live]").forEach(read);
    up = true;
  });
  events.addEventListener("error", () => {
    up = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

if (source && window.EventSource) connect();
setInterval(() => { if (!up && !document.hidden) document.querySelectorAll("[data-nudge][aria-busy=true], [data-live]").forEach(read); }, 5000);
