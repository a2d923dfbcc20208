// An app's home tab.

import { h, icon, swap } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { personName } from "./store.js";

export function renderHome(root, pane, app) {
  const view = pane.store.home(pane.me, app);
  const sig = JSON.stringify([view, pane.me, app?.id, pane.peopleSig]);
  if (root.sig === sig) return;
  root.sig = sig;
  const ctx = view && { pane, names: pane.names, owner: `home:${view.id}`, source: { view_id: view.id, blocks: view.blocks } };
  const next = view
    ? h("div", { class: "home-inner blocks", "data-view-id": view.id }, renderBlocks(view.blocks, ctx))
    : h("div", { class: "empty" }, icon("home"), h("h2", null, "Nothing here yet"), h("p", { class: "muted" }, `${personName(app)} has not published a home tab for ${pane.names.user(pane.me)}.`));
  if (root.firstElementChild) swap(root.firstElementChild, next);
  else root.append(next);
}
