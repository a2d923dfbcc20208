// A scrolling list of messages: days, groups, what is new; stays where the reader is.

import { h, icon, reconcile } from "./dom.js";
import { renderMessage } from "./message.js";
import { ago, dayKey, dayName } from "./people.js";

const GROUP_SECONDS = 300;
const PAGE = 200;

export class Timeline {
  constructor(pane, { label, inThread = false }) {
    this.pane = pane;
    this.inThread = inThread;
    this.list = h("div", { class: "timeline-list", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": label });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toBottom() }, icon("down"), "Newest");
    this.scroller = h("div", { class: "timeline", tabindex: "0", "aria-label": label }, this.list);
    this.scroller.addEventListener("scroll", () => { this.jump.hidden = this.atBottom(); });
    this.scroller.addEventListener("keydown", (event) => this.#walk(event));
    this.root = h("div", { class: "timeline-wrap" }, this.scroller, this.jump);
    new ResizeObserver(() => { if (this.stuck) this.toBottom(); }).observe(this.scroller);
    this.scroller.addEventListener("scroll", () => { this.stuck = this.atBottom(); });
    this.stuck = true;
  }

  /** Arrow keys walk from message to message; Tab then reaches what can be done with one. */
  #walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.target.matches(".timeline, .msg")) return;
    const all = [...this.list.querySelectorAll(".msg")];
    const index = all.indexOf(event.target);
    const next = all[index < 0 ? all.length - 1 : index + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  atBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.stuck = true;
  }

  /** `scope` names the conversation: another one starts at its end; `since` is where the reader left off. */
  update(scope, messages, { summaries = new Map(), since = null, lead = null } = {}) {
    const fresh = scope !== this.scope;
    if (fresh) this.limit = PAGE;
    this.again = () => this.update(scope, messages, { summaries, since, lead });
    const follow = fresh || this.stuck;
    const grew = messages.at(-1)?.ts !== this.newest;
    if (fresh) this.list.replaceChildren();
    this.scope = scope;
    this.newest = messages.at(-1)?.ts;
    const older = messages.length - this.limit;
    const top = older > 0 ? this.#earlier(older) : lead;
    reconcile(this.list, [...(top ? [top] : []), ...this.#items(messages.slice(-this.limit), summaries, since)]);
    if (follow) this.toBottom();
    else if (grew) this.jump.hidden = false;
  }

  /** Long conversations open with their newest part. */
  #earlier(count) {
    return { key: "earlier", sig: String(count), make: () => h("div", { class: "earlier" }, h("button", { type: "button", class: "btn small", onclick: () => {
      const below = this.scroller.scrollHeight - this.scroller.scrollTop;
      this.limit += PAGE;
      this.stuck = false;
      this.again();
      this.scroller.scrollTop = this.scroller.scrollHeight - below;
    } }, `Show earlier messages (${count})`)) };
  }

  #items(messages, summaries, since) {
    const { pane } = this;
    const items = [];
    let previous = null;
    let broken = false;
    let marked = !since;
    for (const m of messages) {
      const newDay = !previous || dayKey(previous.ts) !== dayKey(m.ts);
      const first = !marked && m.ts > since && m.user !== pane.me && previous;
      if (newDay) items.push({ key: `day-${dayKey(m.ts)}`, sig: dayName(m.ts), make: () => h("div", { class: "day" }, h("span", null, dayName(m.ts))) });
      if (first) items.push({ key: "new", sig: "new", make: () => h("div", { class: "fresh", "data-testid": "new-divider" }, h("span", null, "New")) });
      marked ||= first || m.ts > since;
      const head = newDay || first || broken || !sameGroup(previous, m);
      const summary = this.inThread ? null : summaries.get(m.ts) || null;
      const session = this.inThread ? null : pane.store.session(m.channel, m.ts);
      const editing = pane.editing === m.ts;
      const sig = JSON.stringify([m, head, summary, summary && ago(summary.last), session, editing, pane.me, pane.peopleSig]);
      items.push({ key: m.ts, sig, make: () => renderMessage(m, pane, { head, summary, session, inThread: this.inThread }) });
      previous = m;
      broken = Boolean(summary || session);
    }
    return items;
  }
}

const sameGroup = (a, b) => a && a.user === b.user && a.bot_id === b.bot_id && Boolean(a.ephemeral_to) === Boolean(b.ephemeral_to)
  && a.username === b.username && Number(b.ts) - Number(a.ts) < GROUP_SECONDS;
