// The drop zone (components/upload_zone.html): files go up in pieces, survive a dropped line and a
// closed tab, and say in words how far they are. The protocol is tus 1.0, by tus-js-client.
import { resumeLater, Transfer, unfinished } from "./transfer.js";

const zone = document.querySelector("[data-upload-zone]");
const chooser = zone?.querySelector("input[type=file]");
let goingOn = null; // the unfinished row whose file is being chosen

function library(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("the upload library can't be read")));
    document.head.append(script);
  });
}

const kindOf = (name) => ({ pdk: "shielding-data", iso: "iso" })[name.toLowerCase().split(".").pop()] ?? "template-disk";

function begin(files) {
  const kind = zone.querySelector("[name=kind]")?.value;
  for (const file of files) {
    if (goingOn && !goingOn.matches(file)) { goingOn.refuse(file); continue; }
    goingOn?.remove();
    goingOn = null;
    new Transfer(file, { endpoint: zone.dataset.uploadZone, kind: kind || kindOf(file.name) }).start();
  }
  goingOn = null;
}

function choose(row = null) {
  goingOn = row;
  chooser.multiple = row === null;
  chooser.value = "";
  chooser.click();
}

function wire() {
  let depth = 0; // enter and leave also come from what is inside
  const over = (on) => zone.toggleAttribute("data-over", on);
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; over(true); });
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("dragleave", () => { depth -= 1; if (depth === 0) over(false); });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    over(false);
    begin([...event.dataTransfer.files]);
  });
  zone.querySelector("[data-choose]").addEventListener("click", () => choose());
  chooser.addEventListener("change", () => begin([...chooser.files]));
  window.addEventListener("beforeunload", (event) => { if (Transfer.sending.size) event.preventDefault(); });
}

if (zone) {
  wire();
  library(zone.dataset.tus).then(async () => {
    for (const earlier of await unfinished()) resumeLater(earlier, choose);
  });
}
