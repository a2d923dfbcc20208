// Puts the page together: the store, one or two panes, the traffic drawer, the keys.

import { h, icon } from "./dom.js";
import { Store, save, load } from "./store.js";
import { Pane } from "./pane.js";
import { Sidebar } from "./sidebar.js";
import { Traffic } from "./traffic.js";
import { ask, closeMenu } from "./menu.js";
import { post } from "./api.js";
import { toast } from "./toast.js";

const PLACE = "playground.place";
const query = new URLSearchParams(location.search);
const kept = load(PLACE) || {};
const store = new Store();
const traffic = new Traffic(store);
const floor = h("div", { class: "floor" });
const panes = [];

const tool = (glyph, label, testid, onclick) => h("button", { type: "button", class: "tool", title: label, "aria-label": label, "data-testid": testid, onclick }, icon(glyph));

function tools(index) {
  if (index > 0) return [tool("close", "Close this side", "split-close", () => split(false))];
  return [
    tool("split", "Two people side by side", "split", () => split(panes.length < 2)),
    tool("pulse", "Traffic and faults", "traffic", () => traffic.toggle()),
    tool("reset", "Start over", "reset", startOver),
  ];
}

function addPane(place) {
  const index = panes.length;
  const pane = new Pane(store, { ...place, onmove: remember, tools: tools(index) });
  panes.push(pane);
  floor.append(pane.root);
  pane.render();
  return pane;
}

function split(on) {
  closeMenu();
  if (on && panes.length < 2) {
    const other = Sidebar.order(store).find((u) => !u.deleted && u.id !== panes[0]?.me);
    addPane({ as: query.get("as2") || kept.as2 || other?.id, channel: query.get("channel2") || panes[0]?.at });
  } else if (!on && panes.length > 1) panes.pop().leave();
  floor.classList.toggle("two", panes.length > 1);
  remember();
}

/** The address names the place, so a reload or a shared link comes back to it. */
function remember() {
  const [one, two] = panes;
  if (!one?.me) return;
  const next = new URLSearchParams({ as: one.me, channel: one.at });
  if (one.thread) next.set("thread", one.thread);
  if (two) for (const [key, value] of [["split", "1"], ["as2", two.me], ["channel2", two.at]]) next.set(key, value);
  history.replaceState(null, "", `?${next}`);
  save(PLACE, { as: one.me, channel: one.at, ...(two ? { as2: two.me } : {}) });
}

async function startOver() {
  const sure = await ask({ title: "Start over?", body: "All messages, views and sessions of this workspace are forgotten. People and channels stay.", confirm: "Start over", danger: true });
  if (!sure) return;
  const answer = await post("reset");
  if (!answer.ok) return;
  store.reads.clear();
  traffic.reset();
  for (const pane of panes) pane.since = null;
  toast("The workspace is as new.", { tone: "good" });
}

function keys(event) {
  const pane = panes.find((p) => p.root.contains(document.activeElement)) || panes[0];
  const digit = /^Digit([1-9])$/.exec(event.code);
  if (event.altKey && !event.ctrlKey && !event.metaKey && digit) {
    const user = Sidebar.order(store)[Number(digit[1]) - 1];
    if (user) { event.preventDefault(); pane.actAs(user.id); }
  }
}

function title() {
  const [pane] = panes;
  if (!pane?.me || !store.loaded) return;
  const unread = store.state.channels.some((c) => store.isMember(c, pane.me) && c.id !== pane.at && store.unread(c.id, pane.me).count);
  document.title = `${unread ? "• " : ""}${store.channelName(pane.channel, pane.me) || "Home"} – Playground`;
}

document.body.append(floor, traffic.root);
document.addEventListener("keydown", keys);
store.addEventListener("change", title);
addPane({ as: query.get("as") || kept.as, channel: query.get("channel") || kept.channel, thread: query.get("thread") || null, spot: query.get("ts") });
store.addEventListener("change", () => { if (query.get("split") === "1") split(true); document.body.classList.add("ready"); }, { once: true });
if (query.get("traffic") === "1") store.addEventListener("change", () => traffic.toggle(true), { once: true });
setInterval(() => store.changed(), 60000); // "5 min ago" grows older by itself
store.start();
