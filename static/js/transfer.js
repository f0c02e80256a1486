// One file on its way: its row, its pieces, and the words for what becomes of it.
import { bytes, csrf, duration, icon } from "./page.js";

const PIECE = 8 * 1024 * 1024;
const RETRIES = [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000];
const ASK_EVERY = 2000;
const AGAIN_AFTER = 60000; // once the quick tries are over
const SPEED_OVER = 10000; // milliseconds that the speed is the mean of
const WAITS = [408, 409, 423, 429]; // refusals that go by

class Row {
  constructor(name) {
    this.element = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    this.bar = this.element.querySelector("progress");
    this.words = this.element.querySelector("[data-state]");
    this.element.querySelector("[data-name]").textContent = name;
    this.bar.setAttribute("aria-label", name);
    for (const one of this.element.querySelectorAll("[data-of]")) one.textContent = ` ${name}`;
    document.getElementById("uploads").append(this.element);
  }

  button(name) { return this.element.querySelector(`[data-${name}]`); }

  show(symbol, tone, text, more = "", code = "") {
    this.element.querySelector(".icon").replaceWith(icon(symbol, tone && `is-${tone}`));
    const first = document.createElement("span");
    first.textContent = text;
    if (tone === "bad") first.className = "is-bad";
    this.words.replaceChildren(first);
    if (more) this.words.append(` ${more}`);
    if (code) {
      const last = document.createElement("span");
      last.className = "small muted";
      last.textContent = ` Code: ${code}`;
      this.words.append(last);
    }
  }

  idle(on) { this.bar.classList.toggle("meter--idle", on); }

  only(...names) {
    for (const name of ["pause", "resume", "stop", "dismiss"]) this.button(name).hidden = !names.includes(name);
  }

  remove() { this.element.remove(); }
}

async function digest(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return btoa(String.fromCharCode(...hash));
}

/** What a problem document of the portal says, as [what, what to do, code]. */
function problemOf(error) {
  const body = error.originalResponse?.getBody();
  if (!body) return ["The line is gone.", "It goes on by itself, or when you press Go on.", ""];
  try {
    const problem = JSON.parse(body);
    return [problem.detail || problem.title, problem.hint ?? "", (problem.type ?? "").split("/").filter(Boolean).pop()];
  } catch {
    return [`The portal answered ${error.originalResponse.getStatus()}.`, "Try again in a while.", ""];
  }
}

export class Transfer {
  static sending = new Set();

  constructor(file, { endpoint, kind }) {
    this.file = file;
    this.row = new Row(file.name);
    this.upload = new tus.Upload(file, {
      endpoint,
      chunkSize: PIECE,
      retryDelays: RETRIES,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, kind },
      onShouldRetry: (error) => this.interrupted(error),
      onBeforeRequest: (request) => this.dress(request),
      onProgress: (sent, total) => this.progress(sent, total),
      onError: (error) => this.failed(error),
      onSuccess: () => this.received(),
    });
    this.row.button("pause").addEventListener("click", () => this.pause());
    this.row.button("resume").addEventListener("click", () => this.go());
    this.row.button("stop").addEventListener("click", () => this.stop());
    this.row.button("dismiss").addEventListener("click", () => this.row.remove());
    window.addEventListener("online", () => this.waiting && this.go());
  }

  async dress(request) {
    request.setHeader("X-CSRFToken", csrf());
    // Outside of a secure context (plain HTTP by name) the browser has no digests.
    if (request.getMethod() !== "PATCH" || !globalThis.crypto?.subtle) return;
    const from = Number(request.getHeader("Upload-Offset"));
    request.setHeader("Upload-Checksum", `sha256 ${await digest(this.file.slice(from, from + PIECE))}`);
  }

  async start() {
    const [earlier] = await this.upload.findPreviousUploads();
    if (earlier) this.upload.resumeFromPreviousUpload(earlier);
    this.go();
  }

  go() {
    clearTimeout(this.waiting);
    this.waiting = null;
    this.seen = [];
    this.row.idle(false);
    this.row.only("pause", "stop");
    this.row.show("upload", "info", "Asking for room…");
    Transfer.sending.add(this);
    this.upload.start();
  }

  /** Bytes a second over the last moments; 0 while nobody can say. */
  speed(sent) {
    const now = performance.now();
    if (sent < (this.seen.at(-1)?.sent ?? 0)) this.seen = []; // it went back to what the portal has
    this.seen.push({ at: now, sent });
    while (this.seen.length > 2 && now - this.seen[0].at > SPEED_OVER) this.seen.shift();
    const seconds = (now - this.seen[0].at) / 1000;
    return seconds > 1 ? (sent - this.seen[0].sent) / seconds : 0;
  }

  progress(sent, total) {
    const speed = this.speed(sent);
    this.row.idle(false);
    const words = [`${bytes(sent)} of ${bytes(total)}, ${Math.floor((100 * sent) / Math.max(total, 1))} %`];
    if (speed > 0) words.push(`${bytes(speed)}/s`, `about ${duration((total - sent) / speed)} left`);
    this.row.bar.max = total;
    this.row.bar.value = sent;
    this.row.show("upload", "info", `${words.join(", ")}. Carries on by itself if the line drops.`);
  }

  /** Whether to try again soon; says meanwhile why nothing moves. */
  interrupted(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    const soon = navigator.onLine && (status < 400 || status >= 500 || WAITS.includes(status));
    if (soon) {
      const [what] = problemOf(error);
      this.row.idle(true);
      this.row.show("sync", "warn", what, "Trying again by itself…");
    }
    return soon;
  }

  pause() {
    clearTimeout(this.waiting);
    this.waiting = null;
    this.upload.abort();
    const { value, max } = this.row.bar;
    const sent = max > 1 ? ` ${bytes(value)} of ${bytes(max)} were sent.` : "";
    this.rest("Paused.", `It goes on where it stopped.${sent}`);
  }

  rest(text, more) {
    Transfer.sending.delete(this);
    this.row.idle(true);
    this.row.only("resume", "stop");
    this.row.show("pause-fill", "warn", text, more);
    this.row.button("resume").focus();
  }

  async stop() {
    clearTimeout(this.waiting);
    this.waiting = null;
    Transfer.sending.delete(this);
    await this.upload.abort(true).catch(() => {}); // what was gone already needs no ending
    this.row.remove();
  }

  failed(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    const [what, fix, code] = problemOf(error);
    this.row.idle(true);
    // A refusal stands; anything else may go better later.
    const final = status >= 400 && status < 500 && !WAITS.includes(status);
    if (final) {
      Transfer.sending.delete(this);
      this.row.bar.remove();
    } else this.waiting = setTimeout(() => this.go(), AGAIN_AFTER);
    this.row.only(...(final ? ["dismiss"] : ["resume", "pause", "stop"]));
    this.row.show("bad", "bad", final ? `Refused: ${what}` : what, fix, code);
  }

  received() {
    Transfer.sending.delete(this);
    this.row.bar.removeAttribute("value");
    this.row.only();
    this.row.show("sync", "info", `${bytes(this.file.size)} received. Looking at what is inside…`);
    this.row.element.querySelector(".icon").classList.add("spin");
    this.judged();
  }

  // The portal reads the file once it is whole; until then its address says so.
  async judged() {
    const state = await stateOf(this.upload.url);
    if (state && !["complete", "refused", "expired"].includes(state.status)) {
      setTimeout(() => this.judged(), ASK_EVERY);
      return;
    }
    document.body.dispatchEvent(new CustomEvent("fabric:library", { detail: { ids: [] } }));
    this.row.bar.remove();
    this.row.only("dismiss");
    const problem = state?.problem;
    if (problem) this.row.show("bad", "bad", `Refused: ${problem.message}`, problem.fix, problem.code);
    else this.row.show("ok", "ok", "In the library.");
  }
}

/** What its address says: an object with `status`; null where nobody answers. */
async function stateOf(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) return answer.json();
  return [404, 410].includes(answer?.status) ? { status: "expired" } : null;
}

/** Uploads that this browser began and didn't finish, without those the portal has given up. */
export async function unfinished() {
  const storage = tus.defaultOptions.urlStorage;
  const found = [];
  for (const earlier of await storage.findAllUploads()) {
    const state = earlier.uploadUrl && (await stateOf(earlier.uploadUrl));
    if (state?.status === "receiving") found.push({ ...earlier, state });
    else if (state) await storage.removeUpload(earlier.urlStorageKey);
  }
  return found;
}

/** A row for one of them; `choose(row)` asks for its file again, which browsers don't keep. */
export function resumeLater(earlier, choose) {
  const { state } = earlier;
  const row = new Row(state.filename);
  row.bar.max = state.size;
  row.bar.value = state.offset;
  row.idle(true);
  row.only("resume", "stop");
  const here = `${bytes(state.offset)} of ${bytes(state.size)} are here`;
  const until = state.expires_at ? `, kept until ${new Date(state.expires_at).toLocaleString()}` : "";
  row.show("pause-fill", "warn", `Paused when the page was closed. ${here}${until}.`, "Choose the same file to go on.");
  row.matches = (file) => file.name === state.filename && file.size === state.size;
  row.refuse = (file) => row.show("bad", "bad", `${file.name} is another file.`, `Choose ${state.filename}, ${bytes(state.size)}.`);
  row.button("resume").addEventListener("click", () => choose(row));
  row.button("stop").addEventListener("click", async () => {
    await tus.Upload.terminate(earlier.uploadUrl, { headers: { "X-CSRFToken": csrf() } }).catch(() => {});
    await tus.defaultOptions.urlStorage.removeUpload(earlier.urlStorageKey);
    row.remove();
  });
}
