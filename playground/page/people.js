// Faces, names and times as the page shows them.

import { h } from "./dom.js";
import { personName } from "./store.js";

const TINTS = 10;

/** A coloured square with initials; the same person keeps one colour. */
export function avatar(user, size = "") {
  const name = personName(user) || "?";
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const initials = words.length > 1 ? words[0][0] + words.at(-1)[0] : name.slice(0, user?.is_bot ? 1 : 2);
  const tint = user?.is_bot ? "tint-app" : `tint-${tintOf(user?.id || name)}`;
  return h("span", { class: `avatar ${size} ${user?.deleted ? "away" : ""} ${tint}`, "aria-hidden": "true" }, initials.toUpperCase());
}

const tints = new Map();

/** By hash, and the next one where a neighbour on the page has that already. */
function tintOf(key) {
  if (tints.has(key)) return tints.get(key);
  let tint = 7;
  for (const char of key) tint = (tint * 31 + char.codePointAt(0)) >>> 0;
  const taken = new Set(tints.values());
  for (tint %= TINTS; tints.size < TINTS && taken.has(tint); ) tint = (tint + 1) % TINTS;
  tints.set(key, tint);
  return tint;
}

/** What is worth knowing about a person beside the name. */
export function roleOf(user) {
  if (user.deleted) return "deactivated";
  return user.role || (user.is_bot ? "app" : "member");
}

export const at = (ts) => new Date(Number(ts) * 1000);
/** As `clock`, for a narrow place: without the half of the day. */
export const shortClock = (ts) => clock(ts).replace(/\s?[AP]M$/i, "");
export const clock = (ts) => at(ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
export const stamp = (ts) => at(ts).toLocaleString([], { weekday: "long", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const dayKey = (ts) => at(ts).toDateString();

export function dayName(ts) {
  const day = at(ts);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

export function ago(ts) {
  const minutes = Math.max(0, Math.floor((Date.now() - at(ts)) / 60000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 1440 ? `${Math.floor(minutes / 60)} h ago` : dayName(ts);
}

export const countOf = (n, word) => `${n} ${n === 1 ? word : word === "reply" ? "replies" : `${word}s`}`;
