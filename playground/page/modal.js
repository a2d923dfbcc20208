// Modals of the acting person: the top of the stack, its inputs, its errors.

import { h, icon, iconButton, swap } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { renderBlocks } from "./blocks.js";
import { problems } from "./forms.js";
import { post } from "./api.js";

export class Modals {
  constructor(pane) {
    this.pane = pane;
    this.errors = new Map();
    this.root = h("div", { class: "modal-veil", hidden: true, onkeydown: (event) => this.#key(event) });
  }

  render() {
    const views = stackOf(this.pane.store.modals(this.pane.me));
    const view = views.at(-1);
    if (!view) {
      if (!this.root.hidden) this.#vanish();
      return;
    }
    const errors = { ...(view.errors || {}), ...(this.errors.get(view.id) || {}) };
    const sig = JSON.stringify([view, errors, views.length, this.pane.me, this.pane.peopleSig]);
    if (this.sig === sig) return;
    const fresh = this.viewId !== view.id;
    this.sig = sig;
    this.viewId = view.id;
    const next = this.#dialog(view, errors, views.length);
    if (this.root.hidden) this.back = document.activeElement;
    this.root.hidden = false;
    const old = this.root.firstElementChild;
    const scroll = fresh ? 0 : old?.querySelector(".modal-body")?.scrollTop || 0;
    if (old && !fresh) swap(old, next);
    else this.root.replaceChildren(next);
    next.querySelector(".modal-body").scrollTop = scroll;
    if (fresh) (next.querySelector(".modal-body .field-input") || next.querySelector(".btn.primary") || next).focus();
  }

  #vanish() {
    this.root.hidden = true;
    this.root.replaceChildren();
    this.sig = this.viewId = null;
    this.errors.clear();
    if (this.back?.isConnected) this.back.focus({ preventScroll: true });
  }

  #dialog(view, errors, depth) {
    const { pane } = this;
    const blocks = view.blocks || [];
    const ctx = { pane, names: pane.names, owner: `view:${view.id}`, errors, source: { view_id: view.id, blocks }, inModal: true };
    const title = plain(view.title?.text || "Dialog");
    const submits = view.submit || blocks.some((b) => b.type === "input");
    const general = Object.keys(errors).filter((id) => !blocks.some((b, i) => (b.block_id || `b${i}`) === id));
    return h("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-label": title, tabindex: "-1", novalidate: true, "data-testid": "modal", "data-view-id": view.id, "data-callback-id": view.callback_id,
      onsubmit: (event) => { event.preventDefault(); this.#submit(view); } },
    h("header", { class: "modal-head" }, depth > 1 ? h("span", { class: "badge soft", title: "Stacked dialogs" }, `${depth} of 3`) : null, h("h2", null, title), iconButton("close", "Close", () => this.#close(view), { "data-testid": "modal-close" })),
    h("div", { class: "modal-body blocks" }, general.map((id) => h("div", { class: "alert alert-error", role: "alert" }, icon("alert"), errors[id])), renderBlocks(blocks, ctx)),
    h("footer", { class: "modal-foot" }, h("button", { type: "button", class: "btn", "data-testid": "modal-cancel", onclick: () => this.#close(view) }, plain(view.close?.text || (depth > 1 ? "Back" : submits ? "Cancel" : "Close"))),
      submits ? h("button", { type: "submit", class: "btn primary", "data-testid": "modal-submit" }, plain(view.submit?.text || "Submit")) : null));
  }

  async #submit(view) {
    const { pane } = this;
    const owner = `view:${view.id}`;
    const found = problems(pane.forms, owner, view.blocks);
    this.errors.set(view.id, found);
    if (Object.keys(found).length) return this.#show();
    const button = this.root.querySelector("[data-testid=modal-submit]");
    this.#busy(button, true);
    const answer = await post("submit", { user: pane.me, view_id: view.id, values: pane.forms.collect(owner, view.blocks) });
    this.#busy(button, false);
    if (answer.errors && Object.keys(answer.errors).length) this.errors.set(view.id, answer.errors);
    else this.errors.delete(view.id);
    return this.#show();
  }

  #busy(button, on) {
    if (!button) return;
    button.disabled = on;
    button.classList.toggle("busy", on);
  }

  #show() {
    this.sig = null;
    this.render();
    this.root.querySelector(".input.bad .field-input, .input.bad input")?.focus();
  }

  #close(view) {
    return post("close", { user: this.pane.me, view_id: view.id });
  }

  /** Escape closes the top view, Tab stays inside. */
  #key(event) {
    const view = stackOf(this.pane.store.modals(this.pane.me)).at(-1);
    if (event.key === "Escape" && view) {
      event.stopPropagation();
      this.#close(view);
    }
    if (event.key !== "Tab") return;
    const stops = [...this.root.querySelectorAll("button, input, select, textarea, a[href]")].filter((n) => !n.disabled && n.offsetParent);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
    }
  }
}

/** Views in stack order: each knows the one beneath it. */
function stackOf(views) {
  const depth = (view, seen = 0) => {
    const below = views.find((v) => v.id === view.previous_view_id);
    return below && seen < 3 ? depth(below, seen + 1) + 1 : 0;
  };
  return views.map((view, i) => [depth(view), i, view]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((row) => row[2]);
}
