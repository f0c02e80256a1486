// Uploads that go on after a closed tab: tus in 8 MiB pieces, one row each, in words.
const PIECE = 8 * 1024 * 1024;
const zone = document.querySelector("[data-upload-zone]");

const size = (bytes) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  return `${bytes.toFixed(unit && bytes < 100 ? 1 : 0)} ${units[unit]}`;
};
const kindOf = (name) => {
  const ending = name.toLowerCase().split(".").pop();
  return { pdk: "shielding-data", iso: "iso" }[ending] ?? "template-disk";
};
const token = () => JSON.parse(document.body.getAttribute("hx-headers:inherited") || "{}")["X-CSRFToken"] || "";

async function checksum(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

function rowFor(file) {
  const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-name]").textContent = file.name;
  document.getElementById("uploads").append(row);
  return row;
}

function say(row, text, tone) {
  const place = row.querySelector("[data-state]");
  place.textContent = text;
  place.className = tone ? `is-${tone}` : "muted";
}

function begin(file) {
  const row = rowFor(file);
  const bar = row.querySelector("progress");
  const pause = row.querySelector("[data-pause]");
  let started = performance.now();
  let first = 0;
  const upload = new tus.Upload(file, {
    endpoint: zone.dataset.uploadZone,
    retryDelays: [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000],
    chunkSize: PIECE,
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name, kind: zone.querySelector("[name=kind]")?.value || kindOf(file.name) },
    onBeforeRequest: async (request) => {
      request.setHeader("X-CSRFToken", token());
      if (request.getMethod() !== "PATCH" || !crypto.subtle) return;
      const offset = Number(request.getHeader("Upload-Offset"));
      const piece = file.slice(offset, Math.min(offset + PIECE, file.size));
      request.setHeader("Upload-Checksum", `sha256 ${await checksum(piece)}`);
    },
    onProgress: (sent, total) => {
      if (!first) { first = sent; started = performance.now(); }
      const speed = ((sent - first) / (performance.now() - started)) * 1000;
      const left = speed > 0 ? Math.ceil((total - sent) / speed) : 0;
      bar.max = total;
      bar.value = sent;
      say(row, `${size(sent)} of ${size(total)}${speed > 0 ? `, ${size(speed)}/s, ${left} s left` : ""}`);
    },
    onError: (error) => {
      let words = error.message;
      try { const problem = JSON.parse(error.originalResponse?.getBody()); words = [problem.detail, problem.hint].filter(Boolean).join(" "); } catch { words = "The connection is gone. It goes on where it stopped once you press Resume."; }
      say(row, words, "bad");
      pause.textContent = "Resume";
      pause.dataset.paused = "yes";
    },
    onSuccess: () => {
      say(row, "Arrived, and checked. It is being looked at.", "ok");
      pause.remove();
      document.body.dispatchEvent(new CustomEvent("fabric:library"));
    },
  });
  pause.addEventListener("click", () => {
    if (pause.dataset.paused) { delete pause.dataset.paused; pause.textContent = "Pause"; first = 0; upload.start(); }
    else { pause.dataset.paused = "yes"; pause.textContent = "Resume"; upload.abort(); say(row, "Paused"); }
  });
  upload.findPreviousUploads().then((earlier) => {
    if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
    upload.start();
  });
}

if (zone && window.tus) {
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.dataset.over = "yes"; });
  zone.addEventListener("dragleave", () => { delete zone.dataset.over; });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    [...event.dataTransfer.files].forEach(begin);
  });
  zone.querySelector("input[type=file]").addEventListener("change", (event) => {
    [...event.target.files].forEach(begin);
    event.target.value = "";
  });
}
