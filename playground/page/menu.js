// Floating things: menus, confirmation questions. Escape closes, arrows move, focus returns.

import { h, icon } from "./dom.js";

let current = null;

export function closeMenu() {
  const menu = current;
  current = null;
  if (!menu) return;
  menu.box.remove();
  menu.anchor.setAttribute("aria-expanded", "false");
  document.removeEventListener("pointerdown", menu.outside, true);
  if (menu.box.hadFocus) menu.anchor.focus({ preventScroll: true });
}

/** items: {label, icon?, detail?, tone?, onpick} | {heading} | {node}; `wide` for panels. */
export function openMenu(anchor, items, { label = "Menu", wide = false, testid = null } = {}) {
  if (current?.anchor === anchor) return closeMenu();
  closeMenu();
  const box = h("div", { class: wide ? "menu wide" : "menu", role: "menu", "aria-label": label, "data-testid": testid });
  for (const item of items) box.append(menuItem(item));
  document.body.append(box);
  place(box, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => { if (!box.contains(event.target) && !anchor.contains(event.target)) closeMenu(); };
  document.addEventListener("pointerdown", outside, true);
  box.addEventListener("keydown", (event) => moveIn(box, event));
  box.hadFocus = true;
  current = { box, anchor, outside };
  (box.querySelector("[aria-checked=true]") || box.querySelector("button, input"))?.focus();
  return box;
}

function menuItem(item) {
  if (item.node) return item.node;
  if (item.heading) return h("div", { class: "menu-heading" }, item.heading);
  return h("button", {
    type: "button", role: item.checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": item.checked === undefined ? null : String(item.checked),
    class: `menu-item ${item.tone || ""}`, ...item.props,
    onclick: () => { closeMenu(); item.onpick(); },
  }, item.lead || (item.icon ? icon(item.icon) : null), h("span", { class: "menu-label" }, item.label, item.detail ? h("small", null, item.detail) : null),
  item.checked ? icon("check", "menu-tick") : null);
}

function place(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = at.bottom + 4 + height <= innerHeight;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  box.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
}

function moveIn(box, event) {
  const items = [...box.querySelectorAll("button:not([disabled])")];
  const index = items.indexOf(document.activeElement);
  if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); event.stopPropagation(); closeMenu(); }
  else if (event.key === "ArrowDown") { event.preventDefault(); items[(index + 1) % items.length]?.focus(); }
  else if (event.key === "ArrowUp") { event.preventDefault(); items[(index - 1 + items.length) % items.length]?.focus(); }
}

/** Asks before something is done; resolves to true or false. */
export function ask({ title, body, confirm = "Continue", deny = "Cancel", danger = false }) {
  return new Promise((resolve) => {
    const back = document.activeElement;
    const finish = (answer) => { veil.remove(); back?.focus?.({ preventScroll: true }); resolve(answer); };
    const yes = h("button", { type: "button", class: danger ? "btn danger" : "btn primary", "data-testid": "confirm-yes", onclick: () => finish(true) }, confirm);
    const no = h("button", { type: "button", class: "btn", "data-testid": "confirm-no", onclick: () => finish(false) }, deny);
    const box = h("div", { class: "ask", role: "alertdialog", "aria-modal": "true", "aria-label": title, "data-testid": "confirm" },
      h("h2", null, title), h("div", { class: "ask-body" }, body), h("div", { class: "ask-foot" }, no, yes));
    const veil = h("div", { class: "veil", onkeydown: (event) => {
      if (event.key === "Escape") { event.stopPropagation(); finish(false); }
      if (event.key === "Tab") { event.preventDefault(); (document.activeElement === yes ? no : yes).focus(); }
    } }, box);
    document.body.append(veil);
    yes.focus();
  });
}
