// The thread beside the channel.

import { h, icon, iconButton } from "./dom.js";
import { Timeline } from "./timeline.js";
import { Composer } from "./composer.js";
import { working } from "./message.js";
import { countOf } from "./people.js";

export class ThreadPane {
  constructor(pane) {
    this.pane = pane;
    this.timeline = new Timeline(pane, { label: "Thread", inThread: true });
    this.composer = new Composer(pane, { testid: "thread-composer", inThread: true });
    this.title = h("div", { class: "head-name" });
    this.status = h("div", { class: "thread-status" });
    this.root = h("aside", { class: "thread", "data-testid": "thread-pane", "aria-label": "Thread", hidden: true, onkeydown: (e) => { if (e.key === "Escape") pane.openThread(null); } },
      h("header", { class: "channel-head" }, this.title, iconButton("close", "Close thread", () => pane.openThread(null), { "data-testid": "thread-close" })),
      this.timeline.root, this.status, this.composer.root);
  }

  render() {
    const { pane } = this;
    const { store, channel, thread, me } = pane;
    const messages = thread && channel ? store.thread(channel.id, thread, me) : [];
    this.root.hidden = !messages.length;
    if (this.root.hidden) return;
    const replies = messages.length - (messages[0].ts === thread ? 1 : 0);
    const name = `${channel.is_im ? "" : "#"}${store.channelName(channel, me)}`;
    this.#set(this.title, `${name}${replies}`, () => [icon("reply"), h("h1", null, "Thread"), h("span", { class: "muted" }, `${name} · ${countOf(replies, "reply")}`)]);
    const session = store.session(channel.id, thread);
    this.#set(this.status, JSON.stringify(session), () => [session ? working(session, pane) : null].filter(Boolean));
    this.timeline.update(`${me}/${channel.id}/${thread}`, messages);
    this.composer.aim(`${me}/${channel.id}/${thread}`, { placeholder: "Reply…", blocked: pane.blocked(channel) });
  }

  #set(node, sig, make) {
    if (node.sig === sig) return;
    node.sig = sig;
    node.replaceChildren(...make());
  }
}
