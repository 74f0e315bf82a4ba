// Building what the page shows.

export const $ = (id) => document.getElementById(id);

// An element: `el("p", { className: "said" }, "words", child)`; names with a dash are attributes.
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "scope") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`;

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 0 && ms < 1) return "< 1 ms";
  return Math.abs(ms) < 1000 ? `${Math.round(ms)} ms` : seconds(ms);
}

// Tell whoever does not see the page, without taking the focus.
export function announce(words) {
  const region = $("announcement");
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = words));
}
