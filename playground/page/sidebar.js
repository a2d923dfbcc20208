// The dark column: who acts, where to go, what is unread.

import { h, icon, reconcile } from "./dom.js";
import { avatar, roleOf } from "./people.js";
import { personName } from "./store.js";
import { openMenu } from "./menu.js";

export class Sidebar {
  constructor(pane, tools) {
    this.pane = pane;
    this.team = h("div", { class: "team" });
    this.switch = h("button", { type: "button", class: "act-as", "data-testid": "act-as", "aria-haspopup": "menu", title: "Act as someone else (Alt+1 … Alt+9)", onclick: () => this.#people() });
    this.faces = h("div", { class: "faces-row", role: "group", "aria-label": "Act as" });
    this.list = h("nav", { class: "places", "aria-label": "Conversations" });
    this.foot = h("div", { class: "side-foot" }, h("div", { class: "link-state", "data-testid": "connection" }), h("div", { class: "tools" }, tools));
    this.root = h("aside", { class: "sidebar", "aria-label": "Workspace" }, this.team, this.switch, this.faces, this.list, this.foot);
  }

  /** Everyone who can be acted as, in the order of the keys Alt+1 … Alt+9. */
  static order(store) {
    return store.people();
  }

  #people() {
    const { pane } = this;
    openMenu(this.switch, [{ heading: "Act as" }, ...Sidebar.order(pane.store).map((u, i) => ({
      lead: avatar(u, "small"), label: personName(u), detail: [roleOf(u), i < 9 ? `Alt+${i + 1}` : ""].filter(Boolean).join(" · "), checked: u.id === pane.me,
      props: { "data-user": u.id, "data-testid": "act-as-option" }, onpick: () => pane.actAs(u.id),
    }))], { label: "Act as", testid: "act-as-menu" });
  }

  render() {
    const { store, me } = this.pane;
    const user = store.user(me) || {};
    const team = store.state.team?.name || store.state.team || "Workspace";
    set(this.team, JSON.stringify(team), () => [h("strong", null, team), h("span", { class: "tag", title: "A local stand-in for a Slack workspace" }, "Playground – not Slack")]);
    this.switch.dataset.user = me;
    set(this.switch, JSON.stringify(user), () => [avatar(user), h("span", { class: "act-as-text" }, h("small", null, "Acting as"), h("strong", null, personName(user)), h("span", { class: "act-as-role" }, roleOf(user))), icon("down")]);
    reconcile(this.faces, Sidebar.order(store).map((u) => this.#face(u)));
    reconcile(this.list, this.#rows());
    this.#connection();
  }

  #face(user) {
    const on = user.id === this.pane.me;
    const label = `Act as ${personName(user)}, ${roleOf(user)}`;
    return { key: user.id, sig: `${on}${label}`, make: () => h("button", { type: "button", class: "face-btn", title: label, "aria-label": label, "aria-pressed": String(on),
      "data-user": user.id, "data-testid": "act-as-face", onclick: () => this.pane.actAs(user.id) }, avatar(user, "small")) };
  }

  #rows() {
    const { store, me } = this.pane;
    const channels = store.state.channels;
    const byName = (a, b) => store.channelName(a, me).localeCompare(store.channelName(b, me));
    const mine = channels.filter((c) => !c.is_im && store.isMember(c, me)).sort(byName);
    const others = channels.filter((c) => !c.is_im && !c.is_private && !store.isMember(c, me)).sort(byName);
    const apps = store.apps().filter((u) => !u.deleted);
    const direct = channels.filter((c) => c.is_im && store.isMember(c, me) && !store.user(store.otherIn(c, me))?.is_bot).sort(byName);
    return [
      heading("Channels"), ...mine.map((c) => this.#row(c)),
      ...(others.length ? [heading("Not joined"), ...others.map((c) => this.#row(c, true))] : []),
      ...(direct.length ? [heading("Direct messages"), ...direct.map((c) => this.#row(c))] : []),
      ...(apps.length ? [heading("Apps"), ...apps.map((u) => this.#app(u))] : []),
    ];
  }

  #row(channel, dim = false) {
    const { pane } = this;
    const { store, me } = pane;
    const here = pane.at === channel.id;
    const unread = here || dim ? { count: 0 } : store.unread(channel.id, me);
    const name = store.channelName(channel, me);
    return this.#place(channel.id, { name, here, unread, dim: dim || channel.is_archived, lead: () => (channel.is_im ? avatar(store.user(store.otherIn(channel, me)), "tiny") : icon(channel.is_private ? "lock" : "hash")) });
  }

  #app(app) {
    const { pane } = this;
    const dm = pane.store.dmWithApp(app, pane.me);
    const here = pane.at === `home:${app.id}` || (dm && pane.at === dm.id);
    const unread = dm && !here ? pane.store.unread(dm.id, pane.me) : { count: 0 };
    const row = this.#place(unread.count ? dm.id : `home:${app.id}`, { name: personName(app), here, unread, dim: false, lead: () => avatar(app, "tiny"), extra: { "data-app": app.id, "data-testid": "app-entry" } });
    return { ...row, key: `app-${app.id}` };
  }

  #place(to, { name, here, unread, dim, lead, extra = {} }) {
    const sig = JSON.stringify([to, name, here, unread, dim]);
    const label = unread.count ? `${name}, ${unread.count} unread` : name;
    return { key: to, sig, make: () => h("button", {
      type: "button", class: `place ${here ? "here" : ""} ${unread.count ? "unread" : ""} ${dim ? "dim" : ""}`, "data-channel": to, "aria-current": here ? "page" : null, "aria-label": label, onclick: () => this.pane.go(to), ...extra,
    }, lead(), h("span", { class: "place-name" }, name), unread.count ? h("span", { class: unread.mention ? "dot loud" : "dot", "data-testid": "unread" }, unread.mention ? String(unread.count) : "") : null) };
  }

  #connection() {
    const { store } = this.pane;
    const [tone, text, title] = !store.online ? ["bad", "Lost", "The playground does not answer"]
      : !store.appOnline ? ["warn", "No app", "No app is connected"] : ["good", "Connected", "The app is connected"];
    const node = this.foot.firstElementChild;
    node.title = title;
    set(node, text, () => [h("span", { class: `lamp ${tone}` }), text]);
  }
}

const heading = (text) => ({ key: `h-${text}`, sig: text, make: () => h("h2", { class: "place-heading" }, text) });

function set(node, sig, make) {
  if (node.sig === sig) return;
  node.sig = sig;
  node.replaceChildren(...make());
}
