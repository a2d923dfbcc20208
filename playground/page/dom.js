// Building blocks: every node on the page comes from here, so data never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** h("a", {class: "x", href, onclick: f, "data-ts": ts}, child, "text", [more]) */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) setProp(node, key, value);
  append(node, children);
  return node;
}

function setProp(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
  else if (key === "value" || key === "checked" || key === "selected") node[key] = value;
  else node.setAttribute(key, value === true ? "" : String(value));
}

export function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child);
  }
  return node;
}

const PATHS = {
  hash: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  reply: "M20 11.5a7.5 7.5 0 0 1-11 6.6L4 20l1.4-4.6A7.5 7.5 0 1 1 20 11.5z",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.5 14.2s1.2 1.8 3.5 1.8 3.5-1.8 3.5-1.8M9 9.6v.01M15 9.6v.01",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5 16-3.5-6.5z",
  plus: "M12 5v14M5 12h14",
  split: "M4 5h16v14H4zM12 5v14",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  reset: "M5 12a7 7 0 1 0 2.2-5.1M5 4v4.2h4.2",
  chevron: "M9 6l6 6-6 6",
  down: "M6 9l6 6 6-6",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  people: "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM3 19.5c.4-3.4 2.7-5.2 6-5.2s5.600 1.800 6 5.200M16 5.200a2.900 2.900 0 0 1 0 5.500M17.500 14.700c2 .6 3.200 2.200 3.500 4.600",
  stop: "M7 7h10v10H7z",
  check: "M5 12.5l4.500 4.500L19 7.500",
  alert: "M12 4l9 16H3zM12 10v4.500M12 17.300v.01",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8v.01",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7.500V12l3 2",
  spark: "M12 3l2 6.500L20.500 12 14 14.500 12 21l-2-6.500L3.500 12 10 9.500z",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400z",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9v.01",
  up: "M7 11v9H4v-9zM7 11l4-8c1.700 0 2.500 1.200 2.200 2.700L12.500 9H19c1.200 0 2 1 1.700 2.200l-1.500 6.500c-.3 1.300-1.200 2.300-2.500 2.300H7",
  thumbdown: "M17 13V4h3v9zM17 13l-4 8c-1.700 0-2.500-1.200-2.200-2.700l.7-3.300H5c-1.200 0-2-1-1.700-2.200l1.500-6.500C5.100 5 6 4 7.300 4H17",
};

/** A line icon; decorative unless the caller labels its button. */
export function icon(name, cls = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${name === "more" ? "dots3" : ""} ${cls}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.info);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-btn", title: label, "aria-label": label, onclick, ...props }, icon(name));
}

/** Absolute http, https or mailto address, else null: nothing else may become a link. */
export function safeUrl(raw) {
  const text = String(raw || "").trim();
  if (!/^(https?:\/\/|mailto:)/i.test(text)) return null;
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(raw, label, cls = "") {
  const href = safeUrl(raw);
  if (!href) return document.createTextNode(label ? `${label} (${raw})` : String(raw));
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", class: cls || null }, label || String(raw));
}

/** Puts `next` where `old` was; focus, caret and open disclosures inside survive. */
export function swap(old, next) {
  const active = document.activeElement;
  const held = old.contains(active) && active !== old ? focusKey(old, active) : null;
  const opened = [...old.querySelectorAll("[data-open-key][data-open]")].map((n) => n.dataset.openKey);
  old.replaceWith(next);
  for (const key of opened) next.querySelector(`[data-open-key="${CSS.escape(key)}"]`)?.dispatchEvent(new Event("reopen"));
  if (!held) return next;
  const target = [...next.querySelectorAll(held.query)][held.index];
  if (target) {
    target.focus({ preventScroll: true });
    if (held.range && target.setSelectionRange) {
      try { target.setSelectionRange(...held.range); } catch { /* number and date inputs have no caret */ }
    }
  }
  return next;
}

function focusKey(root, node) {
  const parts = ["data-action-id", "data-testid", "name"].filter((a) => node.hasAttribute(a))
    .map((a) => `[${a}="${CSS.escape(node.getAttribute(a))}"]`);
  const query = node.tagName.toLowerCase() + parts.join("");
  let range = null;
  try { range = node.selectionStart === null || node.selectionStart === undefined ? null : [node.selectionStart, node.selectionEnd]; } catch { /* as above */ }
  return { query, index: [...root.querySelectorAll(query)].indexOf(node), range };
}

/** Makes `parent`'s children those of `items`, reusing a child whose key and signature are unchanged. */
export function reconcile(parent, items) {
  const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, node] of known) if (!wanted.has(key)) node.remove();
  let cursor = parent.firstElementChild;
  for (const { key, sig, make } of items) {
    let node = known.get(key);
    if (!node || node.sig !== sig) {
      const fresh = make();
      fresh.dataset.key = key;
      fresh.sig = sig;
      if (node) {
        if (cursor === node) cursor = fresh;
        swap(node, fresh);
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
}
