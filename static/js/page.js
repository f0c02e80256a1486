// What the other modules share: the CSRF token, cookies, sizes and times in words.
export const csrf = () => {
  const told = document.body.getAttribute("hx-headers:inherited");
  return told ? JSON.parse(told)["X-CSRFToken"] : "";
};

/** Remembers a choice for a year, where the server can read it before the first paint. */
export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 -> "1.5 KiB", as the filter `bytes` writes it. */
export function bytes(size) {
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) { size /= 1024; unit += 1; }
  const whole = unit === 0 || size >= 100 || Number.isInteger(size);
  return `${size.toFixed(whole ? 0 : 1)} ${UNITS[unit]}`;
}

/** Seconds -> "3 min 50 s": the two largest units. */
export function duration(seconds) {
  const words = [];
  let rest = Math.round(seconds);
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    if (rest >= size || (unit === "s" && !words.length)) {
      words.push(`${Math.floor(rest / size)} ${unit}`);
      rest %= size;
    }
  }
  return words.slice(0, 2).join(" ");
}

/** A symbol of icons.svg, hidden from screen readers. */
export function icon(name, classes = "") {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", `icon ${classes}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Whether a key press is meant for a control that takes text. */
export const typing = (event) =>
  Boolean(event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));
